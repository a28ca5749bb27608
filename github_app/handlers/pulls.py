"""`pull_request`: somebody pushed to one, merged it or closed it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from github_app.github.errors import Busy, Unavailable
from github_app.handlers.auto_merge import consider
from github_app.handlers.errors import CannotDo
from github_app.handlers.production import is_overtaken, to_production
from github_app.handlers.redeploy import OWN_BRANCH, app_of, apps_in, redeploy
from github_app.handlers.settings_check import check_settings
from github_app.handlers.talking import told
from github_app.handlers.teardown import end, stop
from github_app.telling.pages import plainly
from runner.errors import ForgeBusy, RunnerError
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from github_app.events.model import PullRequestEvent
    from github_app.handlers.talk import Talk

RUNTIME = "apps/modal/shared/"
KNOWLEDGE = "docs/knowledge-base/workflows/"
CLOSED = "closed"
"""Marker of the comment that says what a close without a merge has stopped."""

log = logging.getLogger(__name__)


def on_pull_request(event: PullRequestEvent, talk: Talk) -> None:
    """What is done follows from how the pull request is now, so that late and repeated events do no harm."""
    match event.action:
        case "opened" | "reopened" | "synchronize":
            check_settings(talk)
            if event.action == "reopened":
                talk.api.unsay(talk.number, CLOSED)
            if event.action == "synchronize":
                _pushed(event, talk)
        case "ready_for_review":
            consider(talk)
        case "closed":
            _closed(talk)
        case _:
            pass


def _pushed(event: PullRequestEvent, talk: Talk) -> None:
    """Others' commits on an app that we know are deployed and tested; our own were, before they were pushed."""
    pull = talk.pull
    if pull.state != "open" or pull.from_fork or pull.head.sha != event.pull.head.sha:
        return  # a newer event says what is there now
    if not (pull.head.branch.startswith(OWN_BRANCH) or talk.runs()):
        return
    if pull.auto_merge:  # what is not tested yet does not merge itself: a draft cannot
        talk.api.to_draft(pull)
    before = event.before or pull.base.sha
    changed = [file.path for file in talk.api.compare(before, pull.head.sha).files]
    with told(talk):
        try:
            name = app_of(talk.api, pull)
        except CannotDo:
            return
        if not (name in apps_in(changed) or any(path.startswith(RUNTIME) for path in changed)):
            return
        if not event.sender.is_bot and not talk.may_write:  # of an App nobody can ask; it could push
            return  # who may push to the branch may write; that has just ended
        redeploy(talk)


def _closed(talk: Talk) -> None:
    pull = talk.pull
    runs = tuple(record for record in talk.runs() if record.environment == "preview")
    if pull.state == "open":
        return
    merged = pull.state == "merged"
    why = "merged" if merged else f"closed by {talk.sender}"
    end(talk.doors, runs, f"the pull request was {why}")
    stopped = stop(talk.doors, runs)
    own = pull.head.branch.startswith(OWN_BRANCH) and not pull.from_fork
    if merged:
        with told(talk):
            _deploy_merged(talk)
        _learn_of_merged(talk)
        if talk.doors.knowledge is not None:
            talk.doors.knowledge.follow_if_possible(talk.api)
        if own:
            talk.api.delete_branch(pull.head.branch, sha=pull.head.sha)
    elif runs:
        talk.api.say(talk.number, CLOSED, plainly.closed([record.name for record in stopped]))


def _deploy_merged(talk: Talk) -> None:
    """Every app that the pull request changes goes to production, as it was merged."""
    pull = talk.pull
    if talk.rules.environments.production is None or pull.merge_sha is None:
        return
    if not talk.rules.allows_base(pull.base.branch, default=talk.api.default_branch()):
        return
    for name in sorted(apps_in(file.path for file in talk.api.pull_files(pull.number))):
        there = talk.api.file(f"apps/modal/{name}/app.lock.json", pull.merge_sha) is not None
        if there and not is_overtaken(talk, name, pull.merge_sha):
            to_production(talk, name, pull.merge_sha, base=pull.base.branch)


def _learn_of_merged(talk: Talk) -> None:
    """What was merged gets into the sums of the knowledge base. A repository that forbids it loses nothing else."""
    refresh = talk.doors.refresh_knowledge
    if refresh is None or not any(file.path.startswith(KNOWLEDGE) for file in talk.api.pull_files(talk.number)):
        return
    try:
        refresh(talk.repository, talk.pull.base.branch)
    except ForgeBusy as error:
        raise Busy(str(error), until=error.until) from None
    except (RunnerError, WorktreeError) as error:
        if error.retryable:
            raise Unavailable(str(error)) from None
        log.warning("the knowledge base of %s is not brought up to date: %s", talk.repository.full_name, error)
