"""`issues`: somebody opened, edited, labelled or closed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.intake import WORKFLOW_LABEL, take_in
from github_app.handlers.talking import told
from github_app.handlers.teardown import end
from runner.model import repository_key

if TYPE_CHECKING:
    from github_app.events.model import IssueEvent
    from github_app.handlers.talk import Talk


def on_issue(event: IssueEvent, talk: Talk) -> None:
    """A workflow in it becomes a run; closing it ends what is still going on."""
    if event.issue.is_pull:
        return
    match event.action:
        case "opened" | "reopened":
            _take_in(talk)
        case "edited" if "body" in event.changed or "title" in event.changed:
            _take_in(talk)
        case "labeled" if event.label == WORKFLOW_LABEL:
            _take_in(talk)
        case "closed" | "deleted" | "transferred":
            end(
                talk.doors,
                talk.doors.records.of_issue(repository_key(talk.repository), talk.number),
                f"the issue was {event.action} by {event.sender.login}",
            )
        case _:
            pass


def _take_in(talk: Talk) -> None:
    """The issue as it is now, which is newer than the event if events come late."""
    issue = talk.api.issue(talk.number)
    if issue.state == "open":
        with told(talk):
            take_in(talk, issue)
            talk.take_back()
