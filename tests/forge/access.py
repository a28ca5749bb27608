"""Who asks, and may they: persons' tokens, the App's JSON web token, installation tokens that expire."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import jwt

from tests.forge.routes import GitHubError, not_found
from tests.forge.world import LEVELS, ROLES, Account, Installation

if TYPE_CHECKING:
    from tests.forge.forge import Forge
    from tests.forge.routes import Endpoint
    from tests.forge.world import Repository

LONGEST_JWT_SECONDS = 600
ACCEPTED_CLOCK_DRIFT_SECONDS = 60


@dataclass(eq=False)
class Actor:
    """Whoever a request is from. An installation acts as the App's bot."""

    kind: Literal["anonymous", "person", "app", "installation"]
    account: Account | None = None
    installation: Installation | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: set[str] | None = None  # full names a token was narrowed to

    @property
    def user(self) -> Account:
        if self.account is None:
            raise GitHubError(401, "Requires authentication")
        return self.account

    @property
    def by_app(self) -> bool:
        return self.kind == "installation"

    def reaches(self, repository: Repository) -> bool:
        """Whether an installation's token covers the repository."""
        if self.installation is None or not self.installation.covers(repository):
            return False
        return self.repositories is None or repository.full_name in self.repositories

    def has(self, permission: str, level: str) -> bool:
        return LEVELS.index(self.permissions.get(permission, "none")) >= LEVELS.index(level)


ANONYMOUS = Actor("anonymous")


@dataclass
class Token:
    actor: Actor
    expires: float  # seconds since 1970


class Tokens:
    """The tokens that are out."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._installation: dict[str, Token] = {}
        self.lifetime_seconds = 3600.0
        """How long new installation tokens are really good for; their `expires_at` always promises an hour."""

    def issue(
        self, installation: Installation, permissions: dict[str, str], repositories: set[str] | None
    ) -> tuple[str, float]:
        """An installation token of today's shape (ghs_APPID_JWT, about 520 characters), and when it says that it expires."""
        parts = (base64.urlsafe_b64encode(secrets.token_bytes(count)).decode().rstrip("=") for count in (60, 200, 120))
        token = f"ghs_{self._forge.app_id}_{'.'.join(parts)}"
        actor = Actor("installation", self._forge.bot, installation, permissions, repositories)
        self._installation[token] = Token(actor, time.time() + self.lifetime_seconds)
        return token, time.time() + 3600

    def expire(self) -> None:
        """Every installation token that is out is refused from now on, an hour before its time."""
        for token in self._installation.values():
            token.expires = 0

    def revoke(self, token: str) -> None:
        self._installation.pop(token, None)

    def actor(self, authorization: str) -> Actor:
        """Who an Authorization header stands for. Raises 401 for whom nobody knows."""
        if not authorization:
            return ANONYMOUS
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            value = base64.b64decode(value).decode().partition(":")[2]
        elif scheme.lower() not in ("bearer", "token"):
            raise GitHubError(401, "Bad credentials")
        if value.startswith("ey"):
            return self._app(value)
        for account in self._forge.accounts.values():
            if account.token and secrets.compare_digest(account.token.encode(), value.encode()):
                return Actor("person", account)
        token = self._installation.get(value)
        if token is None or token.expires <= time.time():
            raise GitHubError(401, "Bad credentials")
        if token.actor.installation not in self._forge.installations.values():
            raise GitHubError(401, "Bad credentials")
        if token.actor.installation.suspended_at:
            raise GitHubError(403, "This installation has been suspended")
        return token.actor

    def _app(self, token: str) -> Actor:
        try:
            claims = jwt.decode(
                token,
                self._forge.public_key,
                algorithms=["RS256"],
                leeway=ACCEPTED_CLOCK_DRIFT_SECONDS,
                options={"require": ["exp", "iat", "iss"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise GitHubError(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ) from error
        except jwt.InvalidTokenError as error:
            raise GitHubError(401, "A JSON web token could not be decoded") from error
        if str(claims["iss"]) not in (str(self._forge.app_id), self._forge.client_id):
            raise GitHubError(404, "Integration not found")
        if claims["exp"] > time.time() + LONGEST_JWT_SECONDS + ACCEPTED_CLOCK_DRIFT_SECONDS:
            raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")
        return Actor("app")


def admit(actor: Actor, endpoint: Endpoint, repository: Repository | None) -> None:
    """Raises what GitHub answers to an actor that may not. A repository that is not seen is not found."""
    if endpoint.web or endpoint.person == "anyone":
        return
    if endpoint.jwt:
        if actor.kind != "app":
            raise GitHubError(401, "A JSON web token could not be decoded")
        return
    if actor.kind == "app":
        raise GitHubError(401, "Bad credentials")
    if repository is not None:
        _admit_to(repository, actor, endpoint)
    elif endpoint.method != "GET" and actor.kind == "anonymous":
        raise GitHubError(401, "Requires authentication")


def _admit_to(repository: Repository, actor: Actor, endpoint: Endpoint) -> None:
    if actor.kind == "anonymous":
        if repository.private:
            raise not_found()
        if endpoint.method != "GET":
            raise GitHubError(401, "Requires authentication")
        return
    if actor.kind == "person":
        role = repository.role(actor.user)
        if role == "none":
            raise not_found()
        if ROLES.index(role) < ROLES.index(endpoint.person):
            raise GitHubError(
                403,
                "Must have admin rights to Repository."
                if endpoint.person == "admin"
                else "Resource not accessible by personal access token",
            )
    else:
        _admit_installation(repository, actor, endpoint)
    if repository.archived and endpoint.method != "GET":
        raise GitHubError(403, "Repository was archived so is read-only.")


def _admit_installation(repository: Repository, actor: Actor, endpoint: Endpoint) -> None:
    covered = actor.reaches(repository)
    if not covered and repository.private:
        raise not_found()
    permissions, level = endpoint.app or ((), "")
    granted = covered and any(permission == "metadata" or actor.has(permission, level) for permission in permissions)
    public_read = level == "read" and not repository.private
    if not granted and not public_read:
        raise GitHubError(403, "Resource not accessible by integration")
