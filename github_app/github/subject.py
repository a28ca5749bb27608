"""What the subjects of a repository have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from github_app.github.model import Repository
    from runner.model import GithubRepository


class Subject:
    """A part of `RepositoryApi`."""

    @property
    def reference(self) -> GithubRepository:
        """The repository, as it was asked for."""
        raise NotImplementedError

    def about(self) -> Repository:
        """The repository as it is now: its name, default branch, visibility."""
        raise NotImplementedError
