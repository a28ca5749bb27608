"""What the subjects of a repository have in common: requests about a repository, wherever it is by now."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from github_app.github.errors import NotFound, Unavailable
from github_app.github.translation import Moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from githubkit.response import Response

    from github_app.github.connection import Answer
    from github_app.github.installation import Installation
    from github_app.github.model import Repository
    from runner.model import GithubRepository

P = ParamSpec("P")
T = TypeVar("T")


class Subject:
    """A part of `RepositoryApi`. The methods given to `_read` and the like are githubkit's, without owner and name."""

    def __init__(self, installation: Installation, reference: GithubRepository) -> None:
        self._installation = installation
        self._connection = installation.connection
        self._rest = installation.connection.rest
        self._reference = reference

    @property
    def reference(self) -> GithubRepository:
        """The repository, as it was asked for."""
        return self._reference

    def about(self) -> Repository:
        """The repository as it is now: its name, default branch, visibility."""
        return self._installation.about(self._reference)

    def token(self, refused: str | None = None) -> str:
        """For git, as `Installation.token`."""
        return self._installation.token(refused)

    def _read(
        self,
        parse: Callable[[Any], T],
        method: Callable[Concatenate[str, str, P], Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self._there(lambda owner, name: self._connection.read(parse, method, owner, name, *args, **kwargs))

    def _answer(
        self, method: Callable[Concatenate[str, str, P], Response[Any, Any]], *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        return self._there(lambda owner, name: self._connection.answer(method, owner, name, *args, **kwargs))

    def _change(
        self,
        parse: Callable[[Any], T],
        method: Callable[Concatenate[str, str, P], Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self._there(lambda owner, name: self._connection.change(parse, method, owner, name, *args, **kwargs))

    def _create(
        self,
        parse: Callable[[Any], T],
        method: Callable[Concatenate[str, str, P], Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self._there(lambda owner, name: self._connection.create(parse, method, owner, name, *args, **kwargs))

    def _pages(
        self,
        parse: Callable[[Any], T],
        method: Callable[Concatenate[str, str, P], Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        def begin(owner: str, name: str) -> tuple[list[T], Iterator[T]]:
            entries = self._connection.pages(parse, method, owner, name, *args, **kwargs)
            return list(islice(entries, 1)), entries

        first, others = self._there(begin)
        yield from first
        yield from others

    def _there(self, act: Callable[[str, str], T]) -> T:
        """Act on the repository; once more if it was renamed meanwhile, since nothing has happened then."""
        try:
            return act(*self._address())
        except NotFound:
            self._installation.doubt_name(self._reference)
            raise
        except Moved:
            self._installation.forget_name(self._reference)
        try:
            return act(*self._address())
        except Moved:
            raise Unavailable(f"{self._reference.full_name} is being renamed") from None

    def _address(self) -> tuple[str, str]:
        owner, _, name = self._installation.name_of(self._reference).partition("/")
        return owner, name

    def _find_or_create(self, key: str, find: Callable[[], T | None], create: Callable[[], T]) -> tuple[T, bool]:
        """What there is, else what is made; and whether it was made just now.

        One at a time, so that nobody makes what another is about to make. When the answer to making it is lost, it
        is looked for once more: it may be there.
        """
        with self._installation.turn(f"{self._reference.id} {key}"):
            found = find()
            if found is not None:
                return found, False
            try:
                return create(), True
            except Unavailable:
                found = find()
                if found is None:
                    raise
                return found, True

    def _is_ours(self, login: str) -> bool:
        """Whether that is the App's own login. Nobody else can have one with brackets."""
        return login.lower() == self._installation.app.bot_login.lower()
