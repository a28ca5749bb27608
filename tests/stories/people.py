"""What people do and see in acme/site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.github_app.workflows import GRAPH

if TYPE_CHECKING:
    from tests.forge.forge import Forge

REPO = "/repos/acme/site"
PATIENCE = 120
"""Seconds; a run takes about eight on an idle machine."""


def pasted(workflow: dict[str, Any] = GRAPH) -> str:
    """An issue's body with a workflow in it."""
    return f"Please deploy this.\n\n```json\n{json.dumps(workflow)}\n```\n"


class People:
    """By REST, with their own tokens."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.site = forge.repo("acme/site")

    def do(self, who: str, method: str, path: str, **body: Any) -> Any:
        answer = self.forge.client(who).request(method, f"{REPO}{path}", json=body or None)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def opens_issue(self, who: str, title: str = "Tile", body: str | None = None, **more: Any) -> int:
        return self.do(who, "POST", "/issues", title=title, body=pasted() if body is None else body, **more)["number"]

    def comments(self, who: str, number: int, body: str) -> int:
        return self.do(who, "POST", f"/issues/{number}/comments", body=body)["id"]

    def bodies(self, number: int) -> list[str]:
        """Our comments in a conversation."""
        comments = self.do("alice", "GET", f"/issues/{number}/comments?per_page=100")
        return [comment["body"] for comment in comments if comment["user"]["login"] == "flowberth[bot]"]

    def labels(self, number: int) -> list[str]:
        return [label["name"] for label in self.do("alice", "GET", f"/issues/{number}")["labels"]]

    def pulls(self, state: str = "open") -> list[dict[str, Any]]:
        return self.do("alice", "GET", f"/pulls?state={state}&per_page=100")

    def checks(self, sha: str) -> list[dict[str, Any]]:
        return self.do("alice", "GET", f"/commits/{sha}/check-runs")["check_runs"]

    def deployments(self) -> list[tuple[str, str, str]]:
        """(environment, latest state, url) of each, oldest first."""
        found = []
        for deployment in reversed(self.do("alice", "GET", "/deployments?per_page=100")):
            statuses = self.do("alice", "GET", f"/deployments/{deployment['id']}/statuses")
            last = statuses[0] if statuses else {"state": None, "environment_url": ""}
            found.append((deployment["environment"], last["state"], last["environment_url"]))
        return found

    def until(self, condition: Any, seconds: float = PATIENCE) -> Any:
        return self.forge.until(condition, seconds)

    def sees_ready_pull(self, count: int = 1) -> dict[str, Any]:
        """Waits for pull requests that are ready for review, with everything about the newest one told."""

        def ready() -> dict[str, Any] | None:
            pulls = [pull for pull in self.pulls() if not pull["draft"]]
            told = len(pulls) >= count and self.labels(pulls[0]["number"]) == ["flowberth:ready"]
            return pulls[0] if told else None

        return self.until(ready)
