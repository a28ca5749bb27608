"""What of a remote is on this machine: as little as will do, and whatever is asked for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.worktrees.conftest import pushed
from worktrees.errors import UnusableBase
from worktrees.mirror import Mirror
from worktrees.remote import Remote

if TYPE_CHECKING:
    from tests.worktrees.conftest import Hub

BRANCH = "flowberth/poster"
FILES = {"apps/modal/poster/app.py": b"print()\n"}


def test_only_the_branches_asked_for_are_mirrored(hub: Hub) -> None:
    hub.commit("x.txt", "x", branch="other")
    mirror = hub.mirror
    mirror.fetch("main", "not-there")
    assert mirror.tip("main") == hub.git("rev-parse", "main")
    assert (mirror.tip("other"), mirror.tip("not-there")) == (None, None)
    new = hub.commit("x.txt", "y")
    mirror.fetch()
    assert mirror.tip("main") == new


def test_a_branch_that_is_deleted_is_forgotten(hub: Hub) -> None:
    pushed(hub)
    hub.git("branch", "-D", BRANCH)
    hub.mirror.fetch()
    assert hub.mirror.tip(BRANCH) is None
    assert pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})


def test_when_nothing_has_moved_nothing_is_fetched(hub: Hub) -> None:
    hub.mirror.fetch("main")
    before = len(hub.server.requests)
    hub.mirror.fetch("main")
    assert len(hub.server.requests) - before == 2  # what the server can do, and its branches


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_remote_on_this_machine_is_as_good(hub: Hub, scheme: str) -> None:
    hub.grow(60)
    mirror = Mirror(hub.data, Remote(f"{scheme}{hub.bare}", "local:1", "owner/site"))
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_base_that_is_not_there_is_told(hub: Hub) -> None:
    with pytest.raises(UnusableBase, match="owner/site has no branch 'none'"):
        hub.mirror.open_worktree("run_1", BRANCH, "none")


def test_years_of_history_stay_where_they_are_until_needed(hub: Hub) -> None:
    hub.commit("apps/modal/poster/app.py", "old", branch=BRANCH)
    fork = hub.person.git("rev-parse", "main")
    hub.person.git("switch", "--quiet", "main")
    hub.grow(1500)
    mirror = hub.mirror
    mirror.fetch("main")
    assert int(hub.git("--git-dir", str(mirror.path), "rev-list", "--count", "refs/remotes/origin/main")) == 50
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    assert worktree.read("apps/modal/poster/app.py") == b"old"
    base = mirror.tip("main")
    assert base
    assert mirror.common(worktree.head(), base, deepen=(base,)) == fork
    worktree.write({"apps/modal/poster/app.py": b"new"})
    worktree.commit("Go on", {})
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_branch_merged_long_ago_is_begun_anew(hub: Hub) -> None:
    pushed(hub)
    hub.person.git("fetch", "--quiet", str(hub.bare), BRANCH)
    hub.person.git("merge", "--quiet", "--no-ff", "-m", "Merge", "FETCH_HEAD")
    hub.person.git("push", "--quiet", str(hub.bare), "main")
    hub.grow(200)
    shutil.rmtree(hub.mirror.path)
    head = pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})
    assert hub.git("rev-parse", f"{head}^") == hub.git("rev-parse", "main")


# At a commit


def test_production_is_checked_out_at_a_commit(hub: Hub) -> None:
    old = hub.commit("apps/modal/poster/app.py", "1")
    hub.commit("apps/modal/poster/app.py", "2")
    worktree = hub.mirror.open_detached("run_1", old)
    assert worktree.read("apps/modal/poster/app.py") == b"1"
    assert worktree.head() == old
    again = hub.mirror.open_detached("run_1", old)
    assert again.path == worktree.path
    with pytest.raises(Exception, match="on no branch"):
        worktree.push()
    worktree.remove()
    assert list((hub.data / "worktrees").glob("*/*")) == []


def test_a_commit_on_no_branch_is_found(hub: Hub) -> None:
    commit = hub.commit("apps/modal/poster/app.py", "1", branch="side")
    hub.git("update-ref", "refs/pull/1/head", commit)
    hub.git("branch", "-D", "side")
    hub.mirror.fetch(commit=commit)
    assert hub.mirror.read(commit, "apps/modal/poster/app.py") == b"1"
    with pytest.raises(UnusableBase, match="has no commit 000000000000"):
        hub.mirror.open_detached("run_2", "0" * 40)
    with pytest.raises(UnusableBase, match="is no commit"):
        hub.mirror.fetch(commit="--upload-pack=touch /tmp/x")


def test_who_changed_what_between_two_commits(hub: Hub) -> None:
    base = hub.git("rev-parse", "main")
    ours = pushed(hub)
    hub.person.git("fetch", "--quiet", str(hub.bare), f"{BRANCH}:{BRANCH}")
    theirs = hub.commit("apps/modal/poster/app.py", "by hand", branch=BRANCH, message="Mine\n\nFlowberth-Run: run_1")
    (hub.data / "elsewhere").mkdir()
    mirror = Mirror(hub.data / "elsewhere", hub.remote())
    assert mirror.changed(base, theirs) == ("apps/modal/poster/app.py",)
    assert [(author.commit, author.name, author.run, author.is_ours) for author in mirror.authors(base, theirs)] == [
        (theirs, "A person", "run_1", False),
        (ours, "Flowberth", "run_1", True),
    ]
