"""Commits as GitHub's API takes them, which signs what it makes: a message, files with their content, and deletions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from worktrees.errors import NotExpressible
from worktrees.git import git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLAIN_FILE = "100644"
GONE = "000000"
"""Mode of the side of a change on which there is no file."""
MAX_COMMITS = 1_000
"""That are looked through for one the origin has; a run makes a few dozen at most."""
_WHAT = {"100755": "an executable file", "120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True)
class NewCommit:
    """A commit that is still to be made.

    Attributes:
        commit: Ours, which has the same content.
        parent: Commit of the origin that the first one goes onto, where its branch has to be moved or made before;
            `None` for those after it.
        headline: First line of the message.
        body: The rest of it, trailers included.
        additions: Path to content, of what is new or different.
        deletions: Paths.
    """

    commit: str
    parent: str | None
    headline: str
    body: str
    additions: Mapping[str, bytes] = field(repr=False)
    deletions: tuple[str, ...]

    @cached_property
    def size(self) -> int:
        """Bytes of all additions. As base64, which the API takes, they are a third more."""
        return sum(len(content) for content in self.additions.values())


def commits_after(folder: Path, onto: str) -> tuple[NewCommit, ...] | None:
    """The commits of HEAD since `onto`, oldest first; `None` if HEAD does not come from there.

    HEAD comes from there if one of its commits is it, or has its content and the same message.

    Raises:
        NotExpressible: a commit is a merge, or has a link, a submodule or an executable file.
    """
    made = _facts(folder, onto)
    how = ("--first-parent", f"--max-count={MAX_COMMITS}", "--format=%H %T %P")
    lines = git(folder, "log", *how, "HEAD").splitlines()
    ahead: list[str] = []
    for line in lines:
        commit, tree, *parents = line.split()
        if commit == onto or (tree == made[0] and _facts(folder, commit) == made):
            ahead.reverse()
            return tuple(_new_commit(folder, each, onto if each == ahead[0] else None) for each in ahead)
        if len(parents) > 1:
            if any(onto == parent for parent in parents) or _is_ancestor_of_any(folder, onto, parents):
                raise NotExpressible(f"{commit[:12]} is a merge, which the API cannot make; push it instead")
            return None
        ahead.append(commit)
    return None


def _is_ancestor_of_any(folder: Path, commit: str, others: list[str]) -> bool:
    return any(git(folder, "rev-list", "--max-count=1", commit, f"^{other}") == "" for other in others)


def _facts(folder: Path, commit: str) -> tuple[str, str]:
    tree, _, message = git(folder, "show", "--no-patch", "--format=%T%n%B", "--end-of-options", commit).partition("\n")
    return tree, message.strip()


def _new_commit(folder: Path, commit: str, parent: str | None) -> NewCommit:
    additions: dict[str, bytes] = {}
    deletions: list[str] = []
    listed = git(folder, "diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames", "--full-index", commit)
    parts = iter(filter(None, listed.split("\0")))
    for facts, path in zip(parts, parts, strict=True):
        _, mode, _, content, _ = facts.split(" ")
        if mode == GONE:
            deletions.append(path)
        elif mode == PLAIN_FILE:
            additions[path] = git_bytes(folder, "cat-file", "blob", content)
        else:
            raise NotExpressible(
                f"{path!a} is {_WHAT.get(mode, 'no plain file')}, which the API cannot commit; push it instead, or "
                "take it out"
            )
    headline, _, body = _facts(folder, commit)[1].partition("\n")
    return NewCommit(commit, parent, headline, body.strip(), additions, tuple(deletions))
