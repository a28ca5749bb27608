"""The files of one commit, read without a checkout. Changes nothing."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, UnusableBase
from worktrees.git import git, git_bytes, git_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BLOBS_AT_ONCE = 500
"""Of one git command: all of its output is in memory."""
BYTES_AT_ONCE = 16 * 1024 * 1024
"""The same; a file that is larger is read alone."""
MOST_LISTED = 100_000
"""Files and folders that git lists. Ten folders in ten folders in ten folders, all of them the same ten, are a few
objects of git's, and as many paths as one likes."""
MOST_LISTED_BYTES = 32 * 1024 * 1024
"""The same of their paths, which folders in folders make long."""
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

    def files(self, folder: str, *, deep: bool = True) -> tuple[Blob, ...]:
        """Regular files below a folder, in git's order: the first, where there are more things than `MOST_LISTED`.

        Those whose paths are no UTF-8 are left out.

        Args:
            folder: without a slash at its end.
            deep: also those in folders in it.

        Raises:
            GitFailed: there is no such commit.
        """
        return self._listed(("-r", "-t") if deep else (), f"{folder}/")  # folders count: they may hold nothing, often

    def named(self, paths: Iterable[str]) -> tuple[Blob, ...]:
        """Those of the paths that are regular files.

        Raises:
            GitFailed: there is no such commit.
        """
        return self._listed((), *paths)

    def _listed(self, how: tuple[str, ...], *paths: str) -> tuple[Blob, ...]:
        arguments = ("-z", "-l", "--full-tree", *how, "--end-of-options", self.commit, *paths)
        records = git_records(self._repository, "ls-tree", *arguments, most_bytes=MOST_LISTED_BYTES)
        with closing(records):
            return tuple(blob for line in islice(records, MOST_LISTED) if (blob := _blob(line)) is not None)

    def contents(self, blobs: Iterable[Blob]) -> Iterator[tuple[Blob, bytes]]:
        """What is in files of this commit.

        Raises:
            GitFailed: git cannot read one of them.
        """
        waiting = deque(blobs)
        while waiting:
            some = [waiting.popleft()]
            left = BYTES_AT_ONCE - some[0].size
            while waiting and len(some) < BLOBS_AT_ONCE and waiting[0].size <= left:
                left -= waiting[0].size
                some.append(waiting.popleft())
            asked = "".join(f"{blob.sha}\n" for blob in some).encode()
            told = git_bytes(self._repository, "cat-file", "--batch", "--buffer", stdin=asked)
            start = 0
            for blob in some:  # each as: sha, type, size, a line break, the content, a line break
                start = told.index(b"\n", start) + 1
                yield blob, told[start : start + blob.size]
                start += blob.size + 1


def first(blobs: Iterable[Blob], most: int, most_bytes: int) -> Iterator[Blob]:
    """The first that are as few and together as small: one content may have any number of names."""
    for blob in islice(blobs, most):
        most_bytes -= blob.size
        if most_bytes < 0:
            return
        yield blob


def _blob(line: bytes) -> Blob | None:
    facts, _, path = line.partition(b"\t")
    mode, kind, sha, size = facts.decode("ascii").split()
    if kind != "blob" or mode not in _REGULAR:
        return None
    try:
        return Blob(path.decode("utf-8"), sha, int(size))
    except UnicodeDecodeError:
        return None
