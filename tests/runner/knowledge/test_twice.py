"""The second workflow with the same packs is spared what the first has met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.knowledge import LEARNINGS, entry_path
from runner.knowledge.entry_file import read
from tests.runner.bench import git
from tests.runner.faults.catalogue import ALL
from tests.runner.knowledge.school import School
from worktrees.git import git as quietly

if TYPE_CHECKING:
    from pathlib import Path

    from runner.database import Database

FAULTS = {fault.id: fault for fault in ALL}


@pytest.fixture
def school(tmp_path: Path, database: Database) -> School:
    return School(tmp_path, database)


@pytest.mark.long
def test_what_the_first_has_met_is_done_for_the_second_before_anything_fails(school: School) -> None:
    first, second = school.teach(FAULTS["two-modules"])
    assert [(one.passed, one.told) for one in (first, second)] == [(True, "")] * 2
    assert (first.attempts, second.attempts) == (3, 1)

    entries = [read(git(school.repo, "show", f"main:{entry_path(name)}").encode()).entry for name in ("fox-1", "fox-2")]
    assert [issue.foreseen for issue in entries[0].issues] == [False, False]
    assert [issue.foreseen for issue in entries[1].issues] == [True, True]
    assert {issue.file for issue in entries[0].issues} == {issue.file for issue in entries[1].issues}
    assert set(entries[0].packages) == set(entries[1].packages) != set()
    errors = git(school.repo, "show", f"main:{LEARNINGS}/common-errors.md")
    assert errors.count("\n## ") == 2
    assert "[`fox-1`](../patterns/fox-1.md)" in errors

    third = school.meet(FAULTS["two-modules"])  # what the second was spared counts as if it had met it
    assert third.attempts == 1


@pytest.mark.long
def test_without_the_entry_nothing_is_done_unasked_and_the_fix_is_still_the_first_that_is_tried(school: School) -> None:
    assert school.meet(FAULTS["two-modules"]).attempts == 3
    git(school.repo, "rm", "--quiet", entry_path("fox-1"))
    git(school.repo, "-c", "user.name=P", "-c", "user.email=p@q", "commit", "--quiet", "-m", "Forget it")
    assert school.meet(FAULTS["two-modules"]).attempts == 3
    assert quietly(school.repo, "status", "--porcelain") == ""
