"""Real merges into a person's repository, or a refusal that changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worktrees.errors import MergeRefused
from worktrees.merge import conflicts, delete_branch, merge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worktrees.conftest import Place

KNOWLEDGE = "docs/knowledge-base/x.md"


def branch(place: Place, name: str, path: str, content: str) -> str:
    """A branch of one commit, made while something else is checked out again."""
    place.git("switch", "--quiet", "-c", name, "main")
    commit = place.commit(path, content)
    place.git("switch", "--quiet", "main")
    return commit


def test_a_merge_is_a_merge_commit_and_a_clean_checkout_follows(place: Place) -> None:
    head = branch(place, "side", "app.py", "new")
    base = place.git("rev-parse", "main")
    merged = merge(place.mirror, "side", "main", "Merge pull request #1")
    assert place.git("rev-parse", "main") == merged
    assert place.git("rev-list", "--parents", "-1", "main").split() == [merged, base, head]
    assert (place.repo / "app.py").read_text() == "new"
    assert place.git("status", "--porcelain") == ""


def test_merging_twice_is_merging_once(place: Place) -> None:
    branch(place, "side", "app.py", "new")
    assert merge(place.mirror, "side", "main", "one") == merge(place.mirror, "side", "main", "two")


@pytest.mark.parametrize("checked_out", ["another branch", "nothing", "the base, in a linked worktree"])
def test_whatever_is_checked_out_the_branch_moves(place: Place, checked_out: str) -> None:
    branch(place, "side", "app.py", "new")
    match checked_out:
        case "another branch":
            place.git("switch", "--quiet", "-c", "other")
        case "nothing":
            place.git("checkout", "--quiet", "--detach")
        case _:
            place.git("switch", "--quiet", "-c", "other")
            place.git("worktree", "add", "--quiet", str(place.repo.parent / "linked"), "main")
    merged = merge(place.mirror, "side", "main", "Merge")
    assert place.git("rev-parse", "main") == merged
    assert not (place.repo / "app.py").exists()


def test_conflicts_are_named_and_nothing_changes(place: Place) -> None:
    branch(place, "side", "index.html", "theirs")
    place.commit("index.html", "ours")
    before = (*place.state(), place.git("rev-parse", "main"))
    assert conflicts(place.mirror, "side", "main") == ("index.html",)
    with pytest.raises(MergeRefused, match=r"conflicts with main in index\.html") as refusal:
        merge(place.mirror, "side", "main", "Merge")
    assert refusal.value.conflicts == ("index.html",)
    assert (*place.state(), place.git("rev-parse", "main")) == before


def test_knowledge_of_both_sides_is_kept(place: Place) -> None:
    place.commit(KNOWLEDGE, "# x\n")
    branch(place, "side", KNOWLEDGE, "# x\n- theirs\n")
    place.commit(KNOWLEDGE, "# x\n- ours\n")
    merge(place.mirror, "side", "main", "Merge")
    assert set((place.repo / KNOWLEDGE).read_text().splitlines()) == {"# x", "- ours", "- theirs"}


@pytest.mark.parametrize("how", ["changed", "staged", "in the way"])
def test_a_checkout_with_work_in_it_is_not_touched(place: Place, how: str) -> None:
    branch(place, "side", "app.py", "new")
    if how == "in the way":
        (place.repo / "app.py").write_text("untracked, and mine")
    else:
        (place.repo / "index.html").write_text("half done")
        if how == "staged":
            place.git("add", ".")
    before = (*place.state(), place.git("rev-parse", "main"))
    with pytest.raises(MergeRefused, match="commit or stash") as refusal:
        merge(place.mirror, "side", "main", "Merge")
    assert "main" in str(refusal.value)
    assert (*place.state(), place.git("rev-parse", "main")) == before


def test_what_has_no_history_in_common_is_told(place: Place) -> None:
    place.git("switch", "--quiet", "--orphan", "side")
    place.commit("other.txt", "all new")
    place.git("switch", "--quiet", "main")
    with pytest.raises(MergeRefused, match="unrelated histories"):
        conflicts(place.mirror, "side", "main")
    with pytest.raises(MergeRefused, match="unrelated histories"):
        merge(place.mirror, "side", "main", "Merge")


def test_a_branch_that_is_gone_is_told(place: Place) -> None:
    with pytest.raises(MergeRefused, match="the branch none does not exist any more"):
        merge(place.mirror, "none", "main", "Merge")


def test_a_branch_is_deleted_only_where_it_was_seen(place: Place) -> None:
    old = branch(place, "side", "app.py", "new")
    place.git("switch", "--quiet", "side")
    new = place.commit("app.py", "newer")
    place.git("switch", "--quiet", "main")
    place.mirror.fetch()
    assert not delete_branch(place.mirror, "side", old)
    assert place.git("rev-parse", "side") == new
    assert delete_branch(place.mirror, "side", new)
    assert place.git("branch", "--list", "side") == ""


def test_a_conflict_is_found_whatever_surrounds_us(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "apps/modal/poster/app.py"
    place.commit(path, "both\n")
    place.commit("apps/modal/.gitattributes", "* merge=evil\n")
    branch(place, "flowberth/poster", path, "theirs\n")
    place.commit(path, "ours\n")
    canary, home = tmp_path / "canary", tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[merge "evil"]\ndriver = "touch {canary}"\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert conflicts(place.mirror, "flowberth/poster", "main") == (path,)
    assert not canary.exists()
