"""What people do to an entry on GitHub counts: in the pull request that has it, and in those after it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from runner.knowledge import WORKFLOWS, entry_path
from tests.stories.reading import read

if TYPE_CHECKING:
    from tests.stories.people import People
    from tests.stories.town import Town

ENTRY, BRANCH = entry_path("tile"), "flowberth/tile"


def text(people: People, path: str, ref: str) -> str:
    return base64.b64decode(people.do("alice", "GET", f"/contents/{path}?ref={ref}")["content"]).decode()


def has(people: People, path: str, ref: str) -> bool:
    answer = people.forge.client("alice").get(f"/repos/{people.full_name}/contents/{path}", params={"ref": ref})
    assert answer.status_code in {200, 404}
    return answer.is_success


def deletes(people: People, path: str, branch: str) -> None:
    sha = people.do("alice", "GET", f"/contents/{path}?ref={branch}")["sha"]
    people.do("alice", "DELETE", f"/contents/{path}", message=f"Delete {path}", sha=sha, branch=branch)


def is_tested_again(town: Town, people: People, number: int) -> str:
    """The pull request's body after another run on its branch."""
    before = len(town.runs(people))
    people.comments("bob", number, "/deploy")
    people.until(lambda: len(town.runs(people)) > before)
    town.rests()
    assert town.runs(people)[-1][1] == "succeeded"
    return read(people.do("alice", "GET", f"/pulls/{number}")["body"])


@pytest.mark.long
def test_an_entry_that_is_edited_stays_and_one_that_is_deleted_does_not_come_back(town: Town) -> None:
    people = town.people(files={".github/flowberth.yml": "environments:\n  production: null\n"})
    people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]
    generated = text(people, ENTRY, BRANCH)

    noted = f"{generated}\nFor the *start page*.\n"
    people.writes("alice", ENTRY, noted, branch=BRANCH)
    assert "edited by hand" not in is_tested_again(town, people, number)
    again = text(people, ENTRY, BRANCH)
    assert (again != noted, again.endswith("\nFor the *start page*.\n")) == (True, True)  # another run, the same note

    edited = again.replace("# Tile", "# The tile of our start page")
    people.writes("alice", ENTRY, edited, branch=BRANCH)
    assert f"{ENTRY} was edited by hand, and stays as it is" in is_tested_again(town, people, number)
    assert text(people, ENTRY, BRANCH) == edited

    deletes(people, ENTRY, BRANCH)
    assert "edited by hand" not in is_tested_again(town, people, number)
    assert not has(people, ENTRY, BRANCH)
    people.do("alice", "PUT", f"/pulls/{number}/merge", merge_method="squash")
    town.rests()
    assert not has(people, ENTRY, "main")
    assert not has(people, f"{WORKFLOWS}/README.md", "main")  # of no entries
    assert town.failures() == []
