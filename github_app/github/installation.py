"""An installation: its token, and the repositories that it may see."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from github_app.github.errors import NotFound
from github_app.github.model import Repository
from github_app.github.repository import RepositoryApi
from github_app.github.translation import Moved
from runner.model import GithubRepository

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from github_app.github.app import GithubApp
    from github_app.github.connection import Connection
    from github_app.github.credentials import Tokens
    from github_app.github.model import InstallationInfo

ABOUT_SECONDS = 5.0
"""How long what is known of a repository is believed: one event leads to several questions about it."""
NAME_SECONDS = 60.0
"""How long a repository's name is believed. A former name leads to the repository, unless another one took it: a
minute is the longest that Flowberth could write to that one."""
_NAME = re.compile(r"(?!\.\.?$)[\w.-]{1,100}", re.ASCII)
"""Of an owner or a repository. Dots alone would lead elsewhere in an address."""


class Installation:
    """One per id and process; safe to use from several threads."""

    def __init__(
        self,
        installation: int,
        *,
        app: GithubApp,
        connection: Connection,
        tokens: Tokens,
        turn: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self.id = installation
        self.app = app
        self.connection = connection
        self.turn = turn
        self._tokens = tokens
        self._names: dict[int, tuple[float, str]] = {}
        self._known: dict[int, tuple[float, Repository]] = {}
        self._guard = threading.Lock()

    def token(self, refused: str | None = None) -> str:
        """For git over HTTPS, fresh for at least five minutes; another one than that which GitHub has refused.

        Raises:
            NotInstalled: the App was removed there.
            Suspended: its owner has suspended it.
        """
        token = self._tokens.current() if refused is None else self._tokens.renewed(SecretStr(refused))
        return token.get_secret_value()

    def info(self) -> InstallationInfo:
        """Its account, permissions and whether it is suspended, as of now."""
        return self.app.installation_info(self.id)

    def repositories(self) -> tuple[GithubRepository, ...]:
        """All that it may see."""
        rest = self.connection.rest.apps
        return tuple(self.connection.pages(self._reference, rest.list_repos_accessible_to_installation))

    def repository(self, repository: GithubRepository) -> RepositoryApi:
        """One of them, found by its id whatever its name is by now; nothing is asked yet."""
        return RepositoryApi(self, repository)

    def repository_named(self, full_name: str) -> GithubRepository:
        """One of them by `owner/name`, also by a former name.

        Raises:
            NotFound: there is none, or the installation may not see it.
        """
        owner, _, name = full_name.partition("/")
        if not (_NAME.fullmatch(owner) and _NAME.fullmatch(name)):
            raise NotFound(f"{ascii(full_name)[:200]} is no name of a repository")
        try:
            return self.connection.read(self._reference, self.connection.rest.repos.get, owner, name)
        except Moved as moved:
            if moved.repository is None:
                raise NotFound(f"{full_name} has moved, and GitHub does not say where to") from None
            return self.connection.read(self._reference, self.connection.repository_by_id, moved.repository)

    def about(self, reference: GithubRepository) -> Repository:
        """The repository as of less than `ABOUT_SECONDS` ago, whatever its name is."""
        with self._guard:
            _, name = self._names.get(reference.id, (0.0, reference.full_name))
            asked_at, known = self._known.get(reference.id, (-ABOUT_SECONDS, None))
        if known is not None and time.monotonic() - asked_at < ABOUT_SECONDS:
            return known
        repository = self._under(name, reference.id)
        if repository is None:
            repository = self.connection.read(self._repository, self.connection.repository_by_id, reference.id)
        with self._guard:
            self._names[reference.id] = (time.monotonic(), repository.reference.full_name)
            self._known[reference.id] = (time.monotonic(), repository)
        return repository

    def name_of(self, reference: GithubRepository) -> str:
        """`owner/name` as of less than a minute ago."""
        with self._guard:
            asked_at, name = self._names.get(reference.id, (-NAME_SECONDS, ""))
        if name and time.monotonic() - asked_at < NAME_SECONDS:
            return name
        return self.about(reference).reference.full_name

    def forget_name(self, reference: GithubRepository) -> None:
        """It was wrong."""
        with self._guard:
            self._names.pop(reference.id, None)
            self._known.pop(reference.id, None)

    def doubt_name(self, reference: GithubRepository) -> None:
        """Something is not there: the repository may not be, either, unless it has just been seen."""
        with self._guard:
            asked_at, _ = self._names.get(reference.id, (-ABOUT_SECONDS, ""))
        if time.monotonic() - asked_at >= ABOUT_SECONDS:
            self.forget_name(reference)

    def _under(self, full_name: str, repository: int) -> Repository | None:
        """The repository, if it still has that name: another one may have it by now, one that we may not see too."""
        owner, _, name = full_name.partition("/")
        try:
            there = self.connection.read(self._repository, self.connection.rest.repos.get, owner, name)
        except (Moved, NotFound):
            return None
        return there if there.reference.id == repository else None

    def _reference(self, said: Any) -> GithubRepository:  # noqa: ANN401 - JSON
        return GithubRepository(installation=self.id, id=said["id"], full_name=said["full_name"])

    def _repository(self, said: Any) -> Repository:  # noqa: ANN401 - JSON
        return Repository(
            reference=self._reference(said),
            default_branch=said["default_branch"],
            visibility=said.get("visibility") or ("private" if said["private"] else "public"),
            url=said["html_url"],
            clone_url=said["clone_url"],
            archived=said.get("archived", False),
            auto_merge_allowed=said.get("allow_auto_merge") or False,
        )
