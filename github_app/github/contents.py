"""Files, branches, tags and commits, without git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.github.model import Comparison, FileAddition


class Contents(Subject):
    """The repository's content through the API."""

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file's content at a branch, tag or commit (by default the default branch); `None` if there is no file."""
        raise NotImplementedError

    def tip(self, branch: str) -> str | None:
        """The commit of a branch; `None` if there is no such branch."""
        raise NotImplementedError

    def compare(self, base: str, head: str) -> Comparison:
        """How `head` differs from where it left `base`."""
        raise NotImplementedError

    def create_branch(self, branch: str, sha: str) -> None:
        """Make a branch; one that is there on that commit is fine.

        Raises:
            Outdated: it exists on another commit.
        """
        raise NotImplementedError

    def delete_branch(self, branch: str, *, sha: str | None = None) -> bool:
        """Delete a branch, if it is still on `sha`; whether it is gone now."""
        raise NotImplementedError

    def tag(self, name: str, sha: str) -> None:
        """Make a lightweight tag; one that is there on that commit is fine.

        Raises:
            Outdated: it exists on another commit.
        """
        raise NotImplementedError

    def create_commit_on_branch(
        self,
        branch: str,
        *,
        expected_head: str,
        message: str,
        additions: Iterable[FileAddition] = (),
        deletions: Iterable[str] = (),
    ) -> str:
        """One commit, signed by GitHub; its sha.

        Raises:
            Outdated: the branch is not on `expected_head` any more.
        """
        raise NotImplementedError
