"""Reading a commit of a stranger, who may have made its trees by hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.worktrees.bombs import LEVELS, blob, bomb, tree
from worktrees.errors import GitFailed
from worktrees.git import git_records
from worktrees.snapshot import BLOBS_AT_ONCE, BYTES_AT_ONCE, MOST_LISTED, MOST_LISTED_BYTES, Blob, Snapshot, first

if TYPE_CHECKING:
    from tests.worktrees.conftest import Place

SECONDS = 20.0
"""Ten times what it takes; all of a bomb would take days."""


def below(place: Place, folder: str, inmost: str, *beside: str) -> Snapshot:
    """A commit of a tree at a folder; `beside` is what else is in the folder that holds it."""
    for name in reversed(folder.split("/")):
        inmost = tree(place.repo, [f"040000 tree {inmost}\t{name}\n", *beside])
        beside = ()
    return Snapshot(place.repo, place.git("commit-tree", inmost, "-m", "Bomb"))


def test_of_folders_in_folders_without_end_the_first_files_are_listed(place: Place) -> None:
    file = blob(place.repo, "# Boom\n")
    snapshot = below(place, "kb/sub", bomb(place.repo, tree(place.repo, [f"100644 blob {file}\ta.md\n"])))
    began = time.monotonic()
    found = snapshot.files("kb")
    assert time.monotonic() - began < SECONDS
    assert MOST_LISTED // 4 < len(found) < MOST_LISTED
    assert found[0] == Blob(f"kb/sub/{'d0/' * LEVELS}a.md", file, 7)
    assert snapshot.files("kb", deep=False) == ()


def test_folders_that_hold_nothing_at_all_end_too(place: Place) -> None:
    snapshot = below(place, "kb/sub", bomb(place.repo, tree(place.repo, [])))
    began = time.monotonic()
    assert snapshot.files("kb") == ()
    assert time.monotonic() - began < SECONDS


def test_paths_that_are_long_are_listed_up_to_their_sum(place: Place) -> None:
    name = "long" * 1_000
    file = blob(place.repo, "# Boom\n")
    snapshot = below(place, "kb/sub", bomb(place.repo, tree(place.repo, [f"100644 blob {file}\ta.md\n"]), name))
    found = snapshot.files("kb")
    assert 0 < sum(len(one.path) for one in found) < MOST_LISTED_BYTES
    assert len(found) < MOST_LISTED // 10


def test_what_is_asked_for_by_name_is_found_beside_a_bomb(place: Place) -> None:
    file = blob(place.repo, "# Here\n")
    inmost = bomb(place.repo, tree(place.repo, [f"100644 blob {file}\ta.md\n"]))
    link = f"120000 blob {file}\tlink.md\n"
    snapshot = below(place, "kb/sub", inmost, f"100644 blob {file}\there.md\n", link)
    here = Blob("kb/here.md", file, 7)
    assert snapshot.named(["kb/here.md", "kb/link.md", "kb/sub", "kb/gone.md", "kb/sub/d0/*"]) == (here,)
    assert snapshot.files("kb", deep=False) == (here,)
    assert list(snapshot.contents([here])) == [(here, b"# Here\n")]


def test_one_content_under_many_names_is_read_a_part_at_a_time(place: Place) -> None:
    size = BYTES_AT_ONCE // 4
    one = Blob("a", blob(place.repo, "x" * size), size)
    small = Blob("b", blob(place.repo, "y"), 1)
    asked = [one, small] * 6 + [small] * (BLOBS_AT_ONCE + 1)
    assert [(found.path, len(data)) for found, data in snapshot_of(place).contents(asked)] == [
        (found.path, found.size) for found in asked
    ]
    assert list(first(asked, 3, size)) == [one]
    assert list(first(asked, 3, 10 * size)) == asked[:3]


def snapshot_of(place: Place) -> Snapshot:
    return Snapshot.at(place.repo, "HEAD")


def test_git_is_ended_with_who_reads_it(place: Place) -> None:
    snapshot = below(place, "kb", bomb(place.repo, tree(place.repo, [])))
    began = time.monotonic()
    records = git_records(place.repo, "ls-tree", "-r", "-t", "-z", snapshot.commit, most_bytes=10**12)
    assert next(records).endswith(b"\tkb")
    records.close()
    assert time.monotonic() - began < SECONDS


def test_a_commit_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(GitFailed, match="ls-tree"):
        Snapshot(place.repo, "0" * 40).files("kb")
    with pytest.raises(GitFailed, match="no folder"):
        Snapshot(place.repo / "gone", "HEAD").files("kb")
