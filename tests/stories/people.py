"""What people do and see in a repository."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from tests.github_app.workflows import GRAPH

if TYPE_CHECKING:
    from tests.forge.forge import Forge
    from tests.forge.world import CheckRun

PATIENCE = 120
"""Seconds; a run takes about eight on an idle machine."""
REST_SECONDS = 0.25
"""Between two looks at pages of the forge, each of which is several requests."""


def pasted(workflow: dict[str, Any] = GRAPH) -> str:
    """An issue's body with a workflow in it."""
    return f"Please deploy this.\n\n```json\n{json.dumps(workflow)}\n```\n"


class People:
    """By REST, with their own tokens."""

    def __init__(self, forge: Forge, full_name: str = "acme/site") -> None:
        self.forge = forge
        self.full_name = full_name
        self.site = forge.repo(full_name)

    def do(self, who: str, method: str, path: str, **body: Any) -> Any:
        answer = self.forge.client(who).request(method, f"/repos/{self.full_name}{path}", json=body or None)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def opens_issue(self, who: str, title: str = "Tile", body: str | None = None, **more: Any) -> int:
        return self.do(who, "POST", "/issues", title=title, body=pasted() if body is None else body, **more)["number"]

    def comments(self, who: str, number: int, body: str) -> int:
        return self.do(who, "POST", f"/issues/{number}/comments", body=body)["id"]

    def commented(self, number: int) -> list[dict[str, Any]]:
        """Our comments in a conversation."""
        comments = self.do("alice", "GET", f"/issues/{number}/comments?per_page=100")
        return [comment for comment in comments if comment["user"]["login"] == "flowberth[bot]"]

    def bodies(self, number: int) -> list[str]:
        """What they say."""
        return [comment["body"] for comment in self.commented(number)]

    def knows_bot(self, login: str, *, role: str) -> None:
        """Another App, which acts by REST as we do."""
        self.forge.account(login, kind="Bot").token = f"ghp_{login}"
        self.site.roles[login] = role

    def forks(self, who: str) -> People:
        """The people of a fork."""
        return People(self.forge, self.do(who, "POST", "/forks")["full_name"])

    def writes(self, who: str, path: str, text: str, *, branch: str = "main") -> str:
        """Commits a file; the commit. The branch is made if there is none."""
        if not self.do(who, "GET", f"/git/matching-refs/heads/{branch}"):
            tip = self.do(who, "GET", "/git/ref/heads/main")["object"]["sha"]
            self.do(who, "POST", "/git/refs", ref=f"refs/heads/{branch}", sha=tip)
        there = self.forge.client(who).get(f"/repos/{self.full_name}/contents/{path}", params={"ref": branch})
        before = {"sha": there.json()["sha"]} if there.is_success else {}
        content = base64.b64encode(text.encode()).decode()
        said = self.do(
            who, "PUT", f"/contents/{path}", message=f"Write {path}", content=content, branch=branch, **before
        )
        return said["commit"]["sha"]

    def file(self, path: str, ref: str = "main") -> Any:
        """A JSON document of the repository."""
        return json.loads(base64.b64decode(self.do("alice", "GET", f"/contents/{path}?ref={ref}")["content"]))

    def labels(self, number: int) -> list[str]:
        return [label["name"] for label in self.do("alice", "GET", f"/issues/{number}")["labels"]]

    def pulls(self, state: str = "open") -> list[dict[str, Any]]:
        return self.do("alice", "GET", f"/pulls?state={state}&per_page=100")

    def checks(self, sha: str) -> list[dict[str, Any]]:
        return self.do("alice", "GET", f"/commits/{sha}/check-runs")["check_runs"]

    def now(self) -> list[CheckRun]:
        """Our checks of all commits, as they are on the forge."""
        return list(self.site.check_runs.values())

    def deployments(self) -> list[tuple[str, str, str]]:
        """(environment, latest state, url) of each, oldest first."""
        found = []
        for deployment in reversed(self.do("alice", "GET", "/deployments?per_page=100")):
            statuses = self.do("alice", "GET", f"/deployments/{deployment['id']}/statuses")
            last = statuses[0] if statuses else {"state": None, "environment_url": ""}
            found.append((deployment["environment"], last["state"], last["environment_url"]))
        return found

    def until(self, condition: Any, seconds: float = PATIENCE) -> Any:
        return self.forge.until(condition, seconds, rest=REST_SECONDS)

    def sees_ready_pull(self, count: int = 1) -> dict[str, Any]:
        """Waits for pull requests that are ready for review, with everything about the newest one told."""

        def ready() -> dict[str, Any] | None:
            pulls = [pull for pull in self.pulls() if not pull["draft"]]
            told = len(pulls) >= count and self.labels(pulls[0]["number"]) == ["flowberth:ready"]
            return pulls[0] if told else None

        return self.until(ready)
