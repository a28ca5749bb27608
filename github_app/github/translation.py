"""From githubkit's errors to ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httpx
from githubkit.exception import AuthCredentialError, GraphQLFailed, RateLimitExceeded, RequestError, RequestFailed

from github_app.github.errors import (
    BadCredentials,
    Busy,
    GithubError,
    NotFound,
    Outdated,
    Refused,
    Suspended,
    Unavailable,
)
from github_app.github.redaction import words

if TYPE_CHECKING:
    from githubkit.exception import GitHubException
    from githubkit.response import Response

UNSAID_PATIENCE = timedelta(minutes=1)
"""For a limit without `retry-after`: what GitHub's documentation asks for then."""
LONGEST_PATIENCE = timedelta(hours=1)
"""The primary limit is counted by the hour; an answer that asks for more is not believed."""
SOON = timedelta(seconds=1)
"""The clock of GitHub may be a little behind ours."""

_MEANINGS: dict[int, tuple[type[Refused], str]] = {
    HTTPStatus.UNAUTHORIZED: (BadCredentials, "GitHub does not accept the App's credentials"),
    HTTPStatus.NOT_FOUND: (NotFound, "GitHub shows nothing there"),
    HTTPStatus.GONE: (NotFound, "GitHub shows nothing there"),
    HTTPStatus.CONFLICT: (Outdated, "it has changed meanwhile"),
}
_REPOSITORY_ID = re.compile(r"/repositories/(\d+)")


class Moved(Exception):  # noqa: N818 - stays in this package
    """The repository has another name by now; nothing has happened."""

    def __init__(self, location: str) -> None:
        super().__init__()
        found = _REPOSITORY_ID.search(location)
        self.repository = int(found[1]) if found else None
        """Its id, where GitHub has said it."""


def translated(error: GitHubException) -> GithubError:
    """What it means to us; without a chain, since requests hold tokens."""
    if isinstance(error, RateLimitExceeded):
        return _busy(error.request, error.retry_after)
    if isinstance(error, RequestFailed):
        return _of_answer(error.request, error.response)
    if isinstance(error, RequestError):
        return _of_request(cast("Exception", cast("RequestError[Any]", error).exc))
    if isinstance(error, GraphQLFailed):
        return _of_graphql(error)
    if isinstance(error, AuthCredentialError):
        return BadCredentials(words(str(error)))
    return Unavailable(words(f"GitHub could not be asked: {type(error).__name__}"))


def _of_request(cause: Exception) -> GithubError:
    if isinstance(cause, GithubError):  # of asking for a token, on the way
        return cause
    if isinstance(cause, httpx.TimeoutException):
        return Unavailable("GitHub did not answer in time")
    return Unavailable(words(f"GitHub does not answer: {type(cause).__name__} {cause}"))


def _where(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path}"


def _busy(request: httpx.Request, patience: timedelta) -> Busy:
    until = datetime.now(UTC) + max(SOON, min(patience, LONGEST_PATIENCE))
    return Busy(f"GitHub asks to wait until {until:%H:%M:%S} UTC ({_where(request)})", until=until)


def _of_answer(request: httpx.Request, answer: Response[Any, Any]) -> GithubError:
    status = answer.status_code
    said = _said(answer)
    text = f"{said} ({status} on {_where(request)})"
    lower = said.lower()
    if status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in lower or "abuse detection" in lower:
        return _busy(request, UNSAID_PATIENCE)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(f"GitHub fails on its side: {text}")
    if status == HTTPStatus.FORBIDDEN and "suspended" in lower:
        return Suspended(f"the installation of the App is suspended: {text}")
    needed = answer.headers.get("x-accepted-github-permissions")
    if status == HTTPStatus.FORBIDDEN and needed and "not accessible by integration" in lower:
        text = f"{text}; the App needs {words(needed)}"
    kind, meaning = _MEANINGS.get(status, (Refused, "GitHub does not allow it"))
    return kind(f"{meaning}: {text}")


def _said(answer: Response[Any, Any]) -> str:
    """GitHub's own words; with its details, which say what a 422 is about."""
    try:
        body: Any = answer.json()
        message = str(body["message"])
        details = [_detail(detail) for detail in cast("list[Any]", body.get("errors") or [])]
    except (ValueError, TypeError, KeyError, AttributeError):
        return words(answer.reason_phrase or "no words")
    return words(": ".join([message, *filter(None, ["; ".join(details)])]))


def _detail(detail: object) -> str:
    if isinstance(detail, dict):
        known = cast("dict[str, Any]", detail)
        return str(known.get("message") or " ".join(str(known[key]) for key in ("field", "code") if key in known))
    return str(detail)


def _of_graphql(error: GraphQLFailed) -> GithubError:
    errors = error.response.errors or []
    kinds = {str(each.type) for each in errors}
    text = words("; ".join(str(each.message) for each in errors))
    lower = text.lower()
    if "rate limit" in lower:
        until = datetime.now(UTC) + UNSAID_PATIENCE
        return Busy(f"GitHub asks to wait until {until:%H:%M:%S} UTC", until=until)
    if "something went wrong" in lower or kinds & {"INTERNAL", "SERVICE_UNAVAILABLE", "TIMEOUT"}:
        return Unavailable(f"GitHub fails on its side: {text}")
    if "STALE_DATA" in kinds or "expected branch to point to" in lower:
        return Outdated(f"it has changed meanwhile: {text}")
    if "NOT_FOUND" in kinds:
        return NotFound(f"GitHub shows nothing there: {text}")
    return Refused(f"GitHub does not allow it: {text}")
