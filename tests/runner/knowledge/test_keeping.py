"""What people have done to an entry on a pull request's branch counts when the app is tested again there."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from runner.knowledge import entry_path
from runner.knowledge.entry import ActualCost
from runner.knowledge.entry_file import with_actual_cost, written
from runner.knowledge.keeping import kept
from tests.runner.knowledge.test_learnings import FOX
from tests.worktrees.conftest import hub, pushed  # noqa: F401 - a fixture
from worktrees.merge import Merged

if TYPE_CHECKING:
    from tests.worktrees.conftest import Hub
    from worktrees.worktree import Worktree

BRANCH, PATH = "flowberth/fox", entry_path("fox")
RUNS = count(2)
OURS = written(FOX, "# Fox\n\nAs it was first.").decode()


def again(hub: Hub) -> Worktree:  # noqa: F811
    """The worktree of a later run on the branch, with what the base has got meanwhile."""
    worktree = hub.mirror.open_worktree(f"run_{next(RUNS)}", BRANCH, "main")
    worktree.merge_base()
    return worktree


def on_branch(hub: Hub, content: str | None, message: str = "By hand") -> None:  # noqa: F811
    """A person's commit on the branch; without content the entry is deleted."""
    person = hub.person
    person.git("fetch", "--quiet", str(hub.bare), BRANCH)
    person.git("switch", "--quiet", "-C", BRANCH, "FETCH_HEAD")
    if content is None:
        person.git("rm", "--quiet", PATH)
        person.git("commit", "--quiet", "-m", message)
    else:
        person.commit(PATH, content, message)
    person.git("push", "--quiet", str(hub.bare), BRANCH)
    person.git("switch", "--quiet", "main")


@pytest.fixture
def proposed(hub: Hub) -> Hub:  # noqa: F811
    """A pull request with an entry."""
    pushed(hub, "run_1", BRANCH, {PATH: OURS.encode()})
    return hub


@pytest.mark.long
def test_what_nobody_has_touched_is_written_anew(proposed: Hub) -> None:
    assert kept(again(proposed), "fox") == (True, "", None, None, None)


def test_a_deleted_entry_is_not_added_to_that_pull_request_again(proposed: Hub) -> None:
    on_branch(proposed, None)
    assert not kept(again(proposed), "fox").write
    proposed.commit("index.html", "the base has moved on")
    assert not kept(again(proposed), "fox").write
    on_branch(proposed, OURS, "On second thoughts")
    assert kept(again(proposed), "fox").write


@pytest.mark.long
def test_the_next_pull_request_has_it_again(proposed: Hub) -> None:
    on_branch(proposed, None)
    proposed.git("branch", "-D", BRANCH)
    assert kept(again(proposed), "fox").write


@pytest.mark.long
def test_deleted_on_the_base_it_is_written_by_the_next_pull_request(hub: Hub) -> None:  # noqa: F811
    hub.commit(PATH, OURS)
    hub.person.git("rm", "--quiet", PATH)
    hub.commit("gone.txt", "x")
    assert kept(again(hub), "fox").write


@pytest.mark.long
def test_notes_are_gone_on_with(proposed: Hub) -> None:
    on_branch(proposed, f"{OURS}\nFor the start page.\n")
    assert kept(again(proposed), "fox") == (True, "\nFor the start page.\n", None, None, None)


@pytest.mark.long
def test_bills_that_were_noted_meanwhile_are_gone_on_with(proposed: Hub) -> None:
    actual = ActualCost(run="run_1", build=1, tests=2, total=3)
    on_branch(proposed, with_actual_cost(OURS.encode(), actual).decode())
    assert kept(again(proposed), "fox") == (True, "", None, None, actual)


def test_what_a_person_has_changed_stays_and_is_told(proposed: Hub) -> None:
    theirs = OURS.replace("As it was first", "As we want it")
    on_branch(proposed, theirs)
    found = kept(again(proposed), "fox")
    assert (found.write, found.instead) == (False, theirs.encode())
    assert found.told is not None
    assert (found.told.code, PATH in found.told.message) == ("kept-knowledge", True)


@pytest.mark.long
def test_what_both_sides_have_changed_is_as_the_base_has_it(hub: Hub) -> None:  # noqa: F811
    hub.commit(PATH, OURS)
    pushed(hub, "run_1", BRANCH, {PATH: written(FOX.model_copy(update={"gpu": "L4"}), "# Fox").decode().encode()})
    theirs = OURS.replace('gpu: "T4"', 'gpu: "H100"')
    hub.commit(PATH, theirs)
    worktree = hub.mirror.open_worktree("run_2", BRANCH, "main")
    assert isinstance(worktree.merge_base(), Merged)
    assert kept(worktree, "fox").instead == theirs.encode()
    hub.commit(PATH, OURS)  # it is taken back there
    worktree.merge_base()
    assert kept(worktree, "fox").write
