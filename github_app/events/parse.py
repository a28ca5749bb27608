"""From a delivery to an event, or to nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import ValidationError

from codegen.json_values import as_object, is_object
from github_app.errors import GithubAppError
from github_app.events.model import (
    CheckRunEvent,
    CheckSuiteEvent,
    CommentEvent,
    InstallationEvent,
    InstallationRepositoriesEvent,
    IssueEvent,
    PingEvent,
    PullRequestEvent,
    RepositoryChangedEvent,
    RepositoryEvent,
    ReviewEvent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from github_app.events.model import Event


class MalformedPayload(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """A payload is not what GitHub documents of its event; trying again would not help."""


class Route(NamedTuple):
    """What an event is read as, and which of its actions are for us."""

    model: type[Event]
    actions: frozenset[str] | None
    """`None`: the event has no actions."""


def _route(model: type[Event], *actions: str) -> Route:
    return Route(model, frozenset(actions) if actions else None)


ROUTES: Final[Mapping[str, Route]] = {
    "issues": _route(IssueEvent, "opened", "edited", "labeled", "reopened", "closed", "deleted", "transferred"),
    "issue_comment": _route(CommentEvent, "created"),
    "pull_request": _route(
        PullRequestEvent, "opened", "edited", "synchronize", "reopened", "ready_for_review", "closed"
    ),
    "pull_request_review": _route(ReviewEvent, "submitted", "dismissed"),
    "check_run": _route(CheckRunEvent, "rerequested", "requested_action"),
    "check_suite": _route(CheckSuiteEvent, "rerequested", "completed"),
    "repository": _route(RepositoryChangedEvent, "transferred", "archived", "deleted"),
    "installation": _route(InstallationEvent, "created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"),
    "installation_repositories": _route(InstallationRepositoriesEvent, "added", "removed"),
    "ping": _route(PingEvent),
}


def parse_event(name: str, payload: bytes) -> Event | None:
    """Read a delivery. `None`: an event or an action that we do nothing with, or one that was sent to no App.

    Args:
        name: the header `X-GitHub-Event`.
        payload: the body, whose signature has been verified.

    Raises:
        MalformedPayload: it is one of ours, and is not what GitHub documents; names the fields.
    """
    route = ROUTES.get(name)
    if route is None:
        return None
    document = _document(payload)
    action = document.get("action")
    if route.actions is not None and not (isinstance(action, str) and action in route.actions):
        return None
    if issubclass(route.model, RepositoryEvent) and document.get("installation") is None:
        return None  # from a hook of the repository's own
    try:
        return route.model.model_validate(document)
    except ValidationError as error:
        raise MalformedPayload(f"{name}: {_told(error)}") from None


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document: object = json.loads(payload.decode("utf-8", errors="replace"))
    except RecursionError:
        raise MalformedPayload("the payload is nested too deeply") from None
    except ValueError as error:
        raise MalformedPayload(f"the payload is no JSON: {error}") from None
    if not is_object(document):
        raise MalformedPayload("the payload is no JSON object")
    return as_object(document)


SHOWN_PROBLEMS, SHOWN_CHARACTERS = 5, 100
"""Of a payload that fits nowhere: the first problems, and the beginning of each field's name, which can be long."""


def _told(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, each['loc']))[:SHOWN_CHARACTERS]}: {each['msg']}"
        for each in error.errors(include_url=False)
    ]
    return "; ".join(problems[:SHOWN_PROBLEMS])
