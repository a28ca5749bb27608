"""From a delivery to what it sets in motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    ReviewEvent,
)
from github_app.events.parse import parse_event
from github_app.handlers.checks import on_check
from github_app.handlers.comments import on_comment, on_review
from github_app.handlers.installations import on_installation
from github_app.handlers.issues import on_issue
from github_app.handlers.pulls import on_pull_request
from github_app.handlers.talk import Talk

if TYPE_CHECKING:
    from github_app.events.model import RepositoryEvent
    from github_app.handlers.doors import Doors
    from github_app.server.deliveries import Delivery


def handle(delivery: Delivery, doors: Doors) -> bool:
    """Do what an event asks for; whether it was one that asks for something.

    Raises:
        github_app.events.parse.MalformedPayload: it never will be one.
        github_app.github.errors.GithubError: GitHub was asked, in vain; its type says whether to try again.
    """
    event = parse_event(delivery.event, delivery.payload)
    if event is None or isinstance(event, PingEvent):
        return False
    if isinstance(event, InstallationEvent | InstallationRepositoriesEvent | RepositoryChangedEvent):
        on_installation(event, doors)
        return True
    if event.sender.is_bot and not _is_done(event, doors):
        return False
    if isinstance(event, CheckRunEvent | CheckSuiteEvent):
        on_check(event, delivery.guid, doors)
        return True

    repository, sender = event.repository, event.sender.login

    def talk(number: int, *, is_pull: bool, comment: int | None = None) -> Talk:
        return Talk(doors, repository, number, is_pull=is_pull, sender=sender, key=delivery.guid, comment=comment)

    match event:
        case IssueEvent():
            on_issue(event, talk(event.issue.number, is_pull=False))
        case CommentEvent():
            on_comment(event, talk(event.issue.number, is_pull=event.issue.is_pull, comment=event.comment.id))
        case PullRequestEvent():
            on_pull_request(event, talk(event.pull.number, is_pull=True))
        case ReviewEvent():
            on_review(event, talk(event.pull.number, is_pull=True))
        case _:
            return False
    return True


def _is_done(event: RepositoryEvent, doors: Doors) -> bool:
    """Whether what a bot has done counts: a merge is a merge, a push is a push, and a check is a check, unless our own.

    What bots say is for people.
    """
    ours = event.sender.login == doors.github.bot_login
    if isinstance(event, CheckSuiteEvent):
        return event.action == "completed" and not ours
    if not isinstance(event, PullRequestEvent):
        return False
    return event.action == "closed" or (event.action == "synchronize" and not ours)
