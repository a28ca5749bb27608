"""`check_run` and `check_suite`: somebody pressed a button of ours."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from github_app.events.model import CheckRunEvent, CheckSuiteEvent
from github_app.handlers.auto_merge import consider
from github_app.handlers.commands.retry import again
from github_app.handlers.settings_check import check_settings
from github_app.handlers.talk import Talk
from github_app.handlers.talking import told
from github_app.handlers.teardown import end
from github_app.repository_settings import InvalidRepositorySettings
from github_app.telling import pages
from runner.errors import RunNotFound
from runner.model import repository_key

if TYPE_CHECKING:
    from github_app.handlers.doors import Doors
    from runner.records import RunRecord

log = logging.getLogger(__name__)


def on_check(event: CheckRunEvent | CheckSuiteEvent, key: str, doors: Doors) -> None:
    """Do what the button says, if whoever pressed it may; or what waited for the checks of others."""
    if isinstance(event, CheckSuiteEvent) and event.action == "completed":
        _look_again(event, key, doors)
        return
    for record in _runs(event, doors):
        origin = doors.records.request(record.id).origin
        pull = record.progress.pull.number if record.progress.pull else (origin.pull if origin else None)
        number = pull or (origin.issue if origin else None)
        if number is None:
            continue
        talk = Talk(doors, event.repository, number, is_pull=pull is not None, sender=event.sender.login, key=key)
        if not talk.may_write:
            continue
        with told(talk):
            if isinstance(event, CheckRunEvent) and event.button == pages.CANCEL:
                end(doors, [record], f"cancelled by {talk.sender}")
            else:
                again(talk, record)
    if isinstance(event, CheckRunEvent) and event.check.external_id.startswith("settings:"):
        for number in event.check.pulls:
            check_settings(Talk(doors, event.repository, number, is_pull=True, sender=event.sender.login, key=key))


def _look_again(event: CheckSuiteEvent, key: str, doors: Doors) -> None:
    """A pull request may merge itself once the last check on its head has ended."""
    for number in event.suite.pulls:
        runs = doors.records.of_pull(repository_key(event.repository), number)
        if runs and runs[0].progress.commit == event.suite.head_sha:
            talk = Talk(doors, event.repository, number, is_pull=True, sender=event.sender.login, key=key)
            try:
                consider(talk)
            except InvalidRepositorySettings as error:
                log.info("%s: no auto-merge: %s", runs[0].id, error)


def _runs(event: CheckRunEvent | CheckSuiteEvent, doors: Doors) -> tuple[RunRecord, ...]:
    own = repository_key(event.repository)
    if isinstance(event, CheckRunEvent):
        try:
            record = doors.records.get(event.check.external_id.partition(":")[0])
        except RunNotFound:
            return ()
        return (record,) if record.repo == own else ()
    for number in event.suite.pulls:
        runs = doors.records.of_pull(own, number)
        if runs:
            return runs[:1]
    return ()
