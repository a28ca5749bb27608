"""The base moves on while a run works: taken into its branch by a merge commit, or told."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from worktrees.errors import UnusableBase, WorktreeError
from worktrees.merge import Conflicts, Merged, conflicts

if TYPE_CHECKING:
    from tests.worktrees.conftest import Hub
    from worktrees.worktree import Worktree

BRANCH = "flowberth/poster"
APP = "apps/modal/poster/app.py"
KNOWLEDGE = "docs/knowledge-base/x.md"


@pytest.fixture
def worktree(hub: Hub) -> Worktree:
    """Of a run that has changed the app and added a line of knowledge."""
    hub.commit(KNOWLEDGE, "# x\n")
    hub.commit(APP, "1\n2\n3\n")
    worktree = hub.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write({APP: b"ours\n2\n3\n", KNOWLEDGE: b"# x\n- ours\n"})
    worktree.commit("Work", {})
    return worktree


def test_what_does_not_touch_is_merged(hub: Hub, worktree: Worktree) -> None:
    ours = worktree.head()
    theirs = hub.commit("index.html", "moved on")
    merged = worktree.merge_base()
    assert isinstance(merged, Merged)
    assert worktree.head() == merged.commit
    assert worktree.push() == merged.commit
    assert hub.git("rev-list", "--parents", "-1", BRANCH).split() == [merged.commit, ours, theirs]
    assert hub.git("show", "--no-patch", "--format=%an: %s", BRANCH) == "Flowberth: Merge main into flowberth/poster"
    assert worktree.merge_base() is None


def test_both_sides_of_a_file_are_joined_in_the_worktree_too(hub: Hub, worktree: Worktree) -> None:
    hub.commit(APP, "1\n2\ntheirs\n")
    hub.commit(KNOWLEDGE, "# x\n- theirs\n")
    assert isinstance(worktree.merge_base(), Merged)
    assert worktree.read(APP) == b"ours\n2\ntheirs\n"
    assert set((worktree.read(KNOWLEDGE) or b"").splitlines()) == {b"# x", b"- ours", b"- theirs"}
    assert worktree.commit("Nothing is left over", {}) is None


def test_a_conflict_is_told_and_nothing_changes(hub: Hub, worktree: Worktree) -> None:
    before = worktree.head()
    hub.commit(APP, "theirs\n2\n3\n")
    assert worktree.merge_base() == Conflicts((APP,))
    assert (worktree.head(), worktree.read(APP)) == (before, b"ours\n2\n3\n")
    worktree.push()
    assert conflicts(hub.mirror, BRANCH, "main") == (APP,)


def test_odd_names_are_told_as_they_are(hub: Hub) -> None:
    odd = 'apps/modal/poster/a "b"\nü.txt'
    worktree = hub.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write({odd: b"ours"})
    worktree.commit("Work", {})
    hub.commit(odd, "theirs")
    assert worktree.merge_base() == Conflicts((odd,))


def test_a_base_that_has_not_moved_is_nothing_to_merge(worktree: Worktree) -> None:
    assert worktree.merge_base() is None


def test_a_base_that_was_written_anew_has_nothing_in_common(hub: Hub, worktree: Worktree) -> None:
    hub.person.git("switch", "--quiet", "--orphan", "new")
    hub.person.commit("index.html", "all new")
    hub.person.git("push", "--quiet", "--force", str(hub.bare), "new:main")
    assert worktree.merge_base() == Conflicts(())


def test_what_is_not_committed_is_not_lost(hub: Hub, worktree: Worktree) -> None:
    hub.commit("index.html", "moved on")
    worktree.write({APP: b"half done"})
    with pytest.raises(WorktreeError, match="not committed"):
        worktree.merge_base()
    assert worktree.read(APP) == b"half done"


def test_a_base_that_is_gone_is_told(hub: Hub, worktree: Worktree) -> None:
    hub.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(UnusableBase, match="main does not exist any more"):
        worktree.merge_base()


def test_a_base_that_moved_far_on_is_merged(hub: Hub, worktree: Worktree) -> None:
    worktree.push()
    hub.grow(200)
    assert isinstance(worktree.merge_base(), Merged)
    assert worktree.push() == hub.git("rev-parse", BRANCH)
    assert conflicts(hub.mirror, BRANCH, "main") == ()


@pytest.mark.parametrize("at", ["fetch", "merge-tree", "commit-tree", "reset", "after reset"])
def test_killed_in_the_middle_nothing_is_undone_by_the_next_commit(hub: Hub, worktree: Worktree, at: str) -> None:
    worktree.push()
    hub.commit(APP, "1\n2\ntheirs\n")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "import worktrees.git\n"
        "from worktrees.mirror import Mirror\n"
        "from worktrees.remote import Remote\n"
        "real = worktrees.git._run\n"
        f"at = {at!r}.removeprefix('after ')\n"
        "def dying(folder, arguments, *others):\n"
        f"    if arguments[0] == at and at == {at!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done = real(folder, arguments, *others)\n"
        "    if arguments[0] == at: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return done\n"
        f"remote = Remote({hub.remote().address!r}, 'github:7', 'owner/site', lambda _refused: 'ghs_right')\n"
        f"worktree = Mirror(Path({str(hub.data)!r}), remote).open_worktree('run_1', {BRANCH!r}, 'main')\n"
        "worktrees.git._run = dying\n"
        "worktree.merge_base()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    again = hub.mirror.open_worktree("run_1", BRANCH, "main")
    assert again.commit("What a killed process left", {}) is None
    again.merge_base()
    assert again.read(APP) == b"ours\n2\ntheirs\n"
    assert again.push() == hub.git("rev-parse", BRANCH)
