"""The App's own credential, the tokens of its installations, and how they go into requests.

githubkit's strategies show the private key in their `repr`, do not say how long a token lives, and keep one that was
revoked.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import jwt
from githubkit.auth import BaseAuthStrategy
from jwt.exceptions import PyJWTError
from pydantic import SecretStr

from github_app.github.errors import BadCredentials, NotFound, NotInstalled

if TYPE_CHECKING:
    from collections.abc import Generator

    from githubkit import GitHubCore

    from github_app.github.connection import Connection

FRESH = timedelta(minutes=5)
"""A push of large pictures takes less; GitHub's tokens live for an hour."""


JWT_LIFE = timedelta(minutes=9)
"""GitHub takes at most ten."""
CLOCK_DRIFT = timedelta(minutes=1)
"""A clock ahead of GitHub's would make tokens of the future: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app"""


class AppAuth(BaseAuthStrategy):
    """Requests as the App itself, with a JSON web token that its private key signs."""

    def __init__(self, app_id: int, private_key: SecretStr) -> None:
        self._app_id = app_id
        self._key = private_key
        self._token: _Token | None = None
        self._guard = threading.Lock()

    def token(self) -> SecretStr:
        """One that is good for another minute at least.

        Raises:
            BadCredentials: the private key is none.
        """
        now = datetime.now(UTC)
        with self._guard:
            if self._token is None or self._token.expires_at - now < CLOCK_DRIFT:
                expires_at = now + JWT_LIFE
                claims: dict[str, Any] = {"iss": str(self._app_id), "iat": now - CLOCK_DRIFT, "exp": expires_at}
                self._token = _Token(self._signed(claims), expires_at)
            return self._token.secret

    def _signed(self, claims: dict[str, Any]) -> SecretStr:
        try:
            return SecretStr(jwt.encode(claims, self._key.get_secret_value(), algorithm="RS256"))
        except (PyJWTError, ValueError, TypeError):
            raise BadCredentials("the App's private key is none: it must be the PEM file that GitHub gave") from None

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:  # noqa: ARG002 - githubkit's signature
        """For the HTTP client."""
        return _AppFlow(self)


class _AppFlow(httpx.Auth):
    def __init__(self, app: AppAuth) -> None:
        self._app = app

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._app.token().get_secret_value()}"
        yield request


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
        except NotFound as error:
            raise NotInstalled(f"the App is not installed (any more): {error}") from None


def _token_of(said: Any) -> _Token:  # noqa: ANN401 - JSON
    expires_at = datetime.fromisoformat(said["expires_at"])
    return _Token(SecretStr(said["token"]), expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC))


class InstallationAuth(BaseAuthStrategy):
    """Requests with the installation's token; renewed once if GitHub refuses it before its time."""

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
