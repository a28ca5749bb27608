"""What lies between two commits. Reads a repository, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worktrees.git import AUTHOR_EMAIL, git

if TYPE_CHECKING:
    from pathlib import Path

RUN_TRAILER = "Flowberth-Run"
MADE_BY_API_EMAIL = "noreply@github.com"
"""Committer of whatever is committed by GitHub's API or its web editor."""


@dataclass(frozen=True)
class Author:
    """Who made a commit, as the commit says: enough to tell a person's edits from ours, no proof."""

    commit: str
    name: str
    email: str
    committer_email: str
    run: str | None
    """Trailer `Flowberth-Run`."""
    is_merge: bool

    @property
    def is_ours(self) -> bool:
        """Made by a run: pushed, or made by the API."""
        return self.run is not None and self.committer_email in {AUTHOR_EMAIL, MADE_BY_API_EMAIL}


def changed(folder: Path, base: str, head: str) -> tuple[str, ...]:
    """Paths whose content differs."""
    listed = git(folder, "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", base, head)
    return tuple(filter(None, listed.split("\0")))


def authors(folder: Path, base: str, head: str) -> tuple[Author, ...]:
    """Of the commits of `head` that `base` has not, newest first."""
    fields = f"%H%x1f%P%x1f%an%x1f%ae%x1f%ce%x1f%(trailers:key={RUN_TRAILER},valueonly,separator=%x20)"
    listed = git(folder, "log", "-z", f"--format={fields}", "--end-of-options", f"{base}..{head}")
    return tuple(_author(line.split("\x1f")) for line in listed.split("\0") if line)


def deleted(folder: Path, base: str, head: str, path: str) -> bool:
    """Whether a commit of `head` that `base` has not deletes a file."""
    found = git(
        folder,
        *("log", "--full-history", "--diff-filter=D", "--format=%H", "--max-count=1", "--end-of-options"),
        *(f"{base}..{head}", "--", f":(literal){path}"),
    )
    return bool(found)


def _author(fields: list[str]) -> Author:
    commit, parents, name, email, committer, *trailer = fields
    run = "\x1f".join(trailer).strip() or None
    return Author(commit, name, email, committer, run, is_merge=len(parents.split()) > 1)
