"""Which repository somebody is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktrees.git import git
from worktrees.repository import current_base, find_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worktrees.conftest import Place


def test_a_folder_inside_is_the_whole(place: Place) -> None:
    inside = place.repo / "deep" / "down"
    inside.mkdir(parents=True)
    assert find_repository(inside) == place.repo.resolve()


def test_a_linked_worktree_is_its_main_one_with_a_branch_of_its_own(place: Place, tmp_path: Path) -> None:
    linked = tmp_path / "linked work"
    git(place.repo, "worktree", "add", "--quiet", "-b", "feature", str(linked))
    assert find_repository(linked) == find_repository(place.repo) == place.repo.resolve()
    assert (current_base(linked), current_base(place.repo)) == ("feature", "main")


def test_a_bare_one_and_its_linked_worktrees_are_one(place: Place, tmp_path: Path) -> None:
    bare, linked = tmp_path / "bare.git", tmp_path / "linked"
    git(tmp_path, "clone", "--quiet", "--bare", str(place.repo), str(bare))
    git(bare, "worktree", "add", "--quiet", str(linked), "main")
    assert find_repository(linked) == find_repository(bare) == bare.resolve()
