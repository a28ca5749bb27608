"""Tokens of an installation, and how they go into requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
from githubkit.auth import BaseAuthStrategy
from pydantic import SecretStr

from github_app.github.errors import NotFound, NotInstalled

if TYPE_CHECKING:
    from collections.abc import Generator

    from githubkit import GitHubCore

    from github_app.github.connection import Connection

FRESH = timedelta(minutes=5)
"""A push of large pictures takes less; GitHub's tokens live for an hour."""


@dataclass(frozen=True)
class _Token:
    secret: SecretStr
    expires_at: datetime


class Tokens:
    """The tokens of one installation, made by the App; one at a time."""

    def __init__(self, app: Connection, installation: int) -> None:
        self._app = app
        self._installation = installation
        self._token: _Token | None = None
        self._guard = threading.Lock()

    def current(self) -> SecretStr:
        """One that is good for at least five minutes, as far as this machine knows.

        Raises:
            NotInstalled: the App was removed there.
            Suspended: its owner has suspended it.
        """
        with self._guard:
            if self._token is None or self._token.expires_at - datetime.now(UTC) < FRESH:
                self._token = self._made()
            return self._token.secret

    def renewed(self, refused: SecretStr) -> SecretStr:
        """Another one than that, which GitHub does not accept any more."""
        with self._guard:
            if self._token is None or self._token.secret == refused:
                self._token = self._made()
            return self._token.secret

    def _made(self) -> _Token:
        try:
            return self._app.change(_token_of, self._app.rest.apps.create_installation_access_token, self._installation)
        except NotFound:
            raise NotInstalled(f"there is no installation {self._installation} of the App (any more)") from None


def _token_of(said: Any) -> _Token:  # noqa: ANN401 - JSON
    expires_at = datetime.fromisoformat(said["expires_at"])
    return _Token(SecretStr(said["token"]), expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC))


class InstallationAuth(BaseAuthStrategy):
    """Requests with the installation's token; renewed once if GitHub refuses it before its time.

    githubkit's own strategy does not say how long a token lives, keeps one that was revoked, and shares its tokens
    between servers.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:  # noqa: ARG002 - githubkit's signature
        """For the HTTP client."""
        return _TokenFlow(self._tokens)


class _TokenFlow(httpx.Auth):
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        token = self._tokens.current()
        request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:  # nothing has happened, so it may be asked again
            token = self._tokens.renewed(token)
            request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
            yield request
