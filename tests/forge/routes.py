"""What an endpoint is: a function of a Call, with the permission and the role that it needs said beside its path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import compile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import Headers

    from tests.forge.access import Actor
    from tests.forge.forge import Forge
    from tests.forge.world import Issue, Pull, Repository

DOCS = "https://docs.github.com/rest"


class GitHubError(Exception):
    """An answer that refuses, with GitHub's words."""

    def __init__(
        self, status: int, message: str, *, errors: list[Any] | None = None, headers: Mapping[str, str] | None = None
    ):
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors is not None:
            self.body["errors"] = errors


def not_found() -> GitHubError:
    return GitHubError(404, "Not Found")


def invalid(resource: str, field: str | None, code: str = "invalid", message: str | None = None) -> GitHubError:
    """422, as GitHub words it."""
    error: dict[str, Any] = {"resource": resource, "code": code}
    if field:
        error["field"] = field
    if message:
        error["message"] = message
    return GitHubError(422, "Validation Failed", errors=[error])


@dataclass(frozen=True)
class Created:
    body: Any
    status: int = 201
    raw: bytes = b""


@dataclass(frozen=True)
class Accepted:
    body: Any
    status: int = 202
    raw: bytes = b""


@dataclass(frozen=True)
class Page:
    """A list that GitHub wraps: {"total_count": n, key: [...]}."""

    key: str
    items: list[Any]
    more: Mapping[str, Any] | None = None


@dataclass
class Call:
    """A request that has been let in."""

    forge: Forge
    actor: Actor
    method: str
    path: str
    params: Mapping[str, Any]
    query: Mapping[str, str]
    headers: Headers
    body: Any
    raw: bytes = b""
    repository: Repository | None = None

    @property
    def repo(self) -> Repository:
        assert self.repository is not None
        return self.repository

    @property
    def issue(self) -> Issue:
        """The issue or pull request that the path names."""
        found = self.repo.issues.get(int(self.params["number"]))
        if found is None:
            raise not_found()
        return found

    @property
    def pull(self) -> Pull:
        if self.issue.pull is None:
            raise not_found()
        return self.issue.pull

    def field(self, name: str, default: Any = None) -> Any:
        value = self.body.get(name) if isinstance(self.body, dict) else None
        return default if value is None else value

    def required(self, name: str, resource: str) -> Any:
        value = self.field(name)
        if value is None or value == "":
            raise invalid(resource, name, "missing_field")
        return value


@dataclass(frozen=True)
class Endpoint:
    method: str
    words: str  # of the path, without its parameters
    pattern: re.Pattern[str]
    converters: Mapping[str, Any]
    answer: Callable[[Call], Any]
    app: tuple[tuple[str, ...], str] | None  # permissions of an installation, one of which is needed, and the level
    person: str  # the role a person needs in the repository
    web: bool  # a page or file beside the API
    jwt: bool  # called with the App's own JSON web token


ENDPOINTS: list[Endpoint] = []


def route(
    method_and_path: str,
    *,
    app: str | None = "metadata:read",
    person: str = "read",
    web: bool = False,
    jwt: bool = False,
):
    """Declare an endpoint: `@route("POST /repos/{owner}/{repo}/issues", app="issues:write")`.

    app: permissions and level of an installation, `issues|pull_requests:write`; None: no installation may.
    """
    method, path = method_and_path.split(" ")
    pattern, _, converters = compile_path(path)
    permissions, _, level = (app or "").partition(":")
    needed = (tuple(permissions.split("|")), level) if app else None

    def declare(answer: Callable[[Call], Any]) -> Callable[[Call], Any]:
        ENDPOINTS.append(
            Endpoint(method, re.sub(r"\{.*?\}", "", path), pattern, converters, answer, needed, person, web, jwt)
        )
        return answer

    return declare


def find(method: str, path: str, *, web: bool) -> tuple[Endpoint, dict[str, Any]] | None:
    for endpoint in ENDPOINTS:
        if endpoint.method == method and endpoint.web == web and (match := endpoint.pattern.match(path)):
            return endpoint, {
                name: endpoint.converters[name].convert(value) for name, value in match.groupdict().items()
            }
    return None
