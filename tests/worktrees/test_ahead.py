"""Commits that GitHub makes and signs: told to it one by one, then taken over as if they had been pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worktrees.conftest import git
from worktrees.errors import NotExpressible, PushRejected, UnusableBase

if TYPE_CHECKING:
    from tests.worktrees.conftest import Hub
    from worktrees.ahead import NewCommit
    from worktrees.worktree import Worktree

BRANCH = "flowberth/poster"
APP = "apps/modal/poster"
PICTURE = bytes(range(256))


def opened(hub: Hub, run: str = "run_1") -> Worktree:
    return hub.mirror.open_worktree(run, BRANCH, "main")


def made_by_api(hub: Hub, commit: NewCommit, onto: str) -> str:
    """What `createCommitOnBranch` does: a commit with these files, by somebody else, signed by GitHub."""
    there = hub.person
    there.git("fetch", "--quiet", str(hub.bare), onto)
    there.git("checkout", "--quiet", "--detach", onto)
    for path, content in commit.additions.items():
        (there.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (there.repo / path).write_bytes(content)
    for path in commit.deletions:
        (there.repo / path).unlink()
    there.git("add", "--all")
    message = f"{commit.headline}\n\n{commit.body}"
    there.git("-c", "user.name=GitHub", "-c", "user.email=noreply@github.com", "commit", "--quiet", "-m", message)
    there.git("push", "--quiet", str(hub.bare), f"HEAD:refs/heads/{BRANCH}")
    return there.git("rev-parse", "HEAD")


def test_commits_are_told_as_the_api_takes_them(hub: Hub) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/app.py": b"1\n", f"{APP}/old.py": b"o", f"{APP}/sample.png": PICTURE})
    worktree.commit("Add poster: generated app", {"Flowberth-Run": "run_1"})
    worktree.delete(APP, "old.*")
    worktree.write({f"{APP}/ünï code.txt": b""})
    worktree.commit("Tidy\n\nIt was old.", {"Flowberth-Run": "run_1"})
    first, second = worktree.commits_ahead()
    assert (first.headline, first.body) == ("Add poster: generated app", "Flowberth-Run: run_1")
    assert first.additions == {f"{APP}/app.py": b"1\n", f"{APP}/old.py": b"o", f"{APP}/sample.png": PICTURE}
    assert (first.deletions, first.size) == ((), 2 + 1 + 256)
    assert (first.parent, second.parent) == (hub.git("rev-parse", "main"), None)
    assert (second.headline, second.body) == ("Tidy", "It was old.\n\nFlowberth-Run: run_1")
    assert (second.additions, second.deletions) == ({f"{APP}/ünï code.txt": b""}, (f"{APP}/old.py",))


def test_what_the_api_made_is_taken_over(hub: Hub) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/app.py": b"1"})
    ours = worktree.commit("Add poster", {})
    (commit,) = worktree.commits_ahead()
    assert commit.parent
    theirs = made_by_api(hub, commit, commit.parent)
    assert theirs != ours
    worktree.write({f"{APP}/app.py": b"not committed yet"})
    for _ in range(2):
        worktree.adopt(theirs)
        assert worktree.head() == theirs
        assert worktree.commits_ahead() == ()
    assert worktree.read(f"{APP}/app.py") == b"not committed yet"
    assert hub.mirror.open_worktree("run_1", BRANCH, "main").head() == theirs
    worktree.commit("Go on", {})
    assert worktree.push() == hub.git("rev-parse", BRANCH)
    assert hub.git("rev-parse", f"{BRANCH}^") == theirs


def test_killed_after_the_first_of_three_the_other_two_are_still_to_be_made(hub: Hub) -> None:
    worktree = opened(hub)
    for number in range(3):
        worktree.write({f"{APP}/app.py": str(number).encode()})
        worktree.commit(f"Attempt {number}", {"Flowberth-Run": "run_1"})
    first, *others = worktree.commits_ahead()
    assert first.parent
    made = made_by_api(hub, first, first.parent)
    again = opened(hub).commits_ahead()
    assert [commit.headline for commit in again] == [commit.headline for commit in others] == ["Attempt 1", "Attempt 2"]
    assert again[0].parent == made
    for commit in again:
        made = made_by_api(hub, commit, made)
    assert opened(hub).commits_ahead() == ()
    opened(hub).adopt(made)
    assert worktree.head() == made


def test_what_a_person_pushed_in_between_is_told(hub: Hub) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/app.py": b"1"})
    worktree.commit("Add", {})
    hub.commit(f"{APP}/app.py", "by hand", branch=BRANCH)
    with pytest.raises(PushRejected, match="not from this run") as rejected:
        worktree.commits_ahead()
    assert rejected.value.kind == "moved"
    with pytest.raises(UnusableBase, match="other content"):
        worktree.adopt(hub.git("rev-parse", BRANCH))


@pytest.mark.parametrize(("kind", "told"), [("executable", "an executable file"), ("link", "a symbolic link")])
def test_what_the_api_cannot_commit_is_refused(hub: Hub, kind: str, told: str) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/run.sh": b"#!/bin/sh\n"})
    if kind == "executable":
        (worktree.path / APP / "run.sh").chmod(0o755)
    else:
        (worktree.path / APP / "run.sh").unlink()
        (worktree.path / APP / "run.sh").symlink_to("/etc/passwd")
    worktree.commit("Add", {})
    with pytest.raises(NotExpressible, match=f"run.sh' is {told}, which the API cannot commit"):
        worktree.commits_ahead()


def test_a_merge_is_refused_and_can_be_pushed(hub: Hub) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/app.py": b"1"})
    worktree.commit("Add", {})
    worktree.push()
    hub.commit("index.html", "moved on")
    worktree.merge_base()
    with pytest.raises(NotExpressible, match="is a merge"):
        worktree.commits_ahead()
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_branch_that_was_merged_is_begun_anew_from_the_base(hub: Hub) -> None:
    worktree = opened(hub)
    worktree.write({f"{APP}/app.py": b"1"})
    worktree.commit("Add", {})
    worktree.push()
    worktree.remove()
    git(hub.bare, "update-ref", "refs/heads/main", BRANCH)
    later = opened(hub, "run_2")
    later.write({f"{APP}/app.py": b"2"})
    later.commit("Again", {})
    (commit,) = later.commits_ahead()
    assert commit.parent == hub.git("rev-parse", "main")
    assert commit.additions == {f"{APP}/app.py": b"2"}
