"""People push to the branch of a pull request."""

from __future__ import annotations

import base64
import json

import pytest

LOCK, APP = "apps/modal/tile/app.lock.json", "apps/modal/tile/app.py"
BRANCH = "flowberth/tile"


def read(people, path: str, ref: str = BRANCH) -> tuple[str, str]:
    """(text, blob)."""
    found = people.do("alice", "GET", f"/contents/{path}?ref={ref}")
    return base64.b64decode(found["content"]).decode(), found["sha"]


def write(people, who: str, path: str, text: str, branch: str = BRANCH) -> str:
    """The commit."""
    try:
        sha = read(people, path, branch)[1]
    except AssertionError:
        sha = None
    content = base64.b64encode(text.encode()).decode()
    body = {"message": f"Edit {path}", "content": content, "branch": branch, **({"sha": sha} if sha else {})}
    return people.do(who, "PUT", f"/contents/{path}", **body)["commit"]["sha"]


def told(people, number: int, words: str) -> str:
    """The pull request's body once it holds `words` and all is told."""
    return people.until(lambda: words in (pull := people.sees_ready_pull())["body"] and pull["body"])


@pytest.mark.long
def test_an_edited_lock_is_rendered_and_an_edited_app_is_kept_and_what_conflicts_is_said(town):
    people = town.people()
    people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]

    lock = json.loads(read(people, LOCK)[0])
    lock["timeouts"]["execution_seconds"] = 321
    write(people, "alice", LOCK, json.dumps(lock, indent=2))
    body = told(people, number, "app.lock.json of the branch")
    assert "execution" in body or "timeouts" in body
    assert "321" in read(people, APP)[0]

    app = read(people, APP)[0]
    people.knows_bot("fixer[bot]", role="write")
    write(people, "fixer[bot]", APP, app + "\n# Ours.\n")
    told(people, number, "app.py was edited by hand and stays as it is")
    assert read(people, APP)[0].endswith("# Ours.\n")
    assert len(people.pulls("all")) == 1

    write(people, "alice", "docs/unrelated.md", "Nothing to deploy.\n")
    runs = len(people.bodies(number))
    write(people, "alice", APP, "print('main')\n", branch="main")
    people.comments("bob", number, "/deploy")
    pull = people.until(
        lambda: next((one for one in people.pulls() if "have both changed" in one["body"] and one["draft"]), None)
    )
    assert f"{APP}" in pull["body"]
    assert len(people.bodies(number)) == runs + 1
