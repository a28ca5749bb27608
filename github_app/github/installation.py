"""An installation: its token, and the repositories that it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from github_app.github.model import InstallationInfo
    from github_app.github.repository import RepositoryApi
    from runner.model import GithubRepository


class Installation:
    """One per id and process; safe to use from several threads."""

    id: int

    def token(self) -> str:
        """For git over HTTPS: fresh for at least five minutes.

        Raises:
            NotInstalled: the App was removed there.
            Suspended: its owner has suspended it.
        """
        raise NotImplementedError

    def info(self) -> InstallationInfo:
        """Its account, permissions and whether it is suspended, as of now."""
        raise NotImplementedError

    def repositories(self) -> tuple[GithubRepository, ...]:
        """All that it may see."""
        raise NotImplementedError

    def repository(self, repository: GithubRepository) -> RepositoryApi:
        """One of them, found by its id whatever its name is by now; nothing is asked yet."""
        raise NotImplementedError

    def repository_named(self, full_name: str) -> GithubRepository:
        """One of them by `owner/name`, also by a former name.

        Raises:
            NotFound: there is none, or the installation may not see it.
        """
        raise NotImplementedError
