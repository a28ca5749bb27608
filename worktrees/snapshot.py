"""The files of one commit, read without a checkout. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, UnusableBase
from worktrees.git import git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BLOBS_AT_ONCE = 500
"""Of one git command: all of its output is in memory."""
_REGULAR = ("100644", "100755")
"""Modes of files; links and submodules are none."""


@dataclass(frozen=True)
class Blob:
    """A file, without its content."""

    path: str
    sha: str
    size: int
    """Bytes."""


class Snapshot:
    """One commit of a repository, a mirror or somebody's own."""

    def __init__(self, repository: Path, commit: str) -> None:
        self._repository = repository
        self.commit = commit

    @classmethod
    def at(cls, repository: Path, reference: str) -> Snapshot:
        """The commit that a branch or `HEAD` is on now.

        Raises:
            UnusableBase: there is none.
        """
        try:
            verified = ("--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
            return cls(repository, git(repository, "rev-parse", *verified))
        except GitFailed:
            raise UnusableBase(f"{repository} has no commit at {ascii(reference)[1:-1]} yet") from None

    def files(self, folder: str) -> tuple[Blob, ...]:
        """Regular files below a folder, in git's order. Those whose paths are no UTF-8 are left out.

        Raises:
            GitFailed: there is no such commit.
        """
        listed = git_bytes(
            self._repository, "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", self.commit, f"{folder}/"
        )
        return tuple(blob for line in listed.split(b"\0") if line and (blob := _blob(line)) is not None)

    def contents(self, blobs: Iterable[Blob]) -> Iterator[tuple[Blob, bytes]]:
        """What is in files of this commit.

        Raises:
            GitFailed: git cannot read one of them.
        """
        waiting = list(blobs)
        while waiting:
            some, waiting = waiting[:BLOBS_AT_ONCE], waiting[BLOBS_AT_ONCE:]
            asked = "".join(f"{blob.sha}\n" for blob in some).encode()
            told = git_bytes(self._repository, "cat-file", "--batch", "--buffer", stdin=asked)
            start = 0
            for blob in some:  # each as: sha, type, size, a line break, the content, a line break
                start = told.index(b"\n", start) + 1
                yield blob, told[start : start + blob.size]
                start += blob.size + 1


def _blob(line: bytes) -> Blob | None:
    facts, _, path = line.partition(b"\t")
    mode, kind, sha, size = facts.decode("ascii").split()
    if kind != "blob" or mode not in _REGULAR:
        return None
    try:
        return Blob(path.decode("utf-8"), sha, int(size))
    except UnicodeDecodeError:
        return None
