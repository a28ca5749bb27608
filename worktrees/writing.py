"""A few files committed on top of a branch of the origin, without a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktrees.errors import UnsafePath
from worktrees.git import git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from worktrees.mirror import Mirror

FILE = "100644"
FOLDER = "040000"


def commit_onto(mirror: Mirror, parent: str, files: Mapping[str, bytes], message: str) -> str | None:
    """A commit with `files` (path → content) in the place of what is there; `None` if all of it is there already.

    Nothing refers to the commit yet. Other files, also in the same folders, stay.

    Raises:
        UnsafePath: a path leads through a link or a file.
        GitFailed: there is no such commit.
    """
    folder = mirror.path
    before = git(folder, "rev-parse", f"{parent}^{{tree}}")
    blobs = {path: _stored(folder, data) for path, data in files.items()}
    tree = _with(folder, before, {tuple(path.split("/")): blob for path, blob in blobs.items()})
    return None if tree == before else git(folder, "commit-tree", tree, "-p", parent, "-m", message)


def _stored(folder: Path, data: bytes) -> str:
    return git_bytes(folder, "hash-object", "-w", "--stdin", stdin=data).decode().strip()


def _with(folder: Path, tree: str | None, blobs: Mapping[tuple[str, ...], str]) -> str:
    """A tree with these blobs at their places."""
    entries: dict[bytes, bytes] = {}
    for line in git_bytes(folder, "ls-tree", "-z", tree).split(b"\0") if tree else []:
        if line:
            facts, _, name = line.partition(b"\t")
            entries[name] = facts
    inside: dict[str, dict[tuple[str, ...], str]] = {}
    for (first, *rest), blob in blobs.items():
        if rest:
            inside.setdefault(first, {})[tuple(rest)] = blob
        else:
            entries[first.encode()] = f"{FILE} blob {blob}".encode()
    for name, below in inside.items():
        there = entries.get(name.encode(), b"").split()
        if there and there[0] != FOLDER.encode():
            raise UnsafePath(f"{ascii(name)[2:-1]} is a symbolic link or a file in the repository, and no folder")
        subtree = there[2].decode() if there else None
        entries[name.encode()] = f"{FOLDER} tree {_with(folder, subtree, below)}".encode()
    listed = b"".join(facts + b"\t" + name + b"\0" for name, facts in entries.items())
    return git_bytes(folder, "mktree", "-z", stdin=listed).decode().strip()
