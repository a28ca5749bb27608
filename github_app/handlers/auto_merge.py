"""Merging without a person, where the repository's settings allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.errors import Outdated, Refused
from runner.model import repository_key

if TYPE_CHECKING:
    from github_app.handlers.talk import Talk


def consider(talk: Talk) -> None:
    """Let GitHub merge the pull request once its own rules allow, if the policy does and our tests have passed."""
    pull = talk.pull
    runs = talk.doors.records.of_pull(repository_key(talk.repository), talk.number)
    if pull.state != "open" or pull.draft or pull.auto_merge or not runs:
        return
    last = runs[0]
    if last.state != "succeeded" or last.progress.commit != pull.head.sha:
        return
    if last.result is None or last.result.engine != "comfyui":
        return  # a simulated success is no deployment that worked
    origin = talk.doors.records.request(last.id).origin
    changed = [file.path for file in talk.api.pull_files(talk.number)]
    if origin is None or not talk.rules.auto_merge.allows(asked_by=origin.sender, changed=changed):
        return
    if not talk.api.may_write(origin.sender) or not _is_of_a_writer(talk, origin.issue):
        return
    try:
        talk.api.auto_merge(talk.number, talk.rules.auto_merge.method, sha=pull.head.sha)
    except Outdated:
        return  # the push that has come meanwhile is tested on its own
    except Refused as error:
        talk.api.say(talk.number, "auto-merge", f"Auto-merge is in the settings, but GitHub does not allow it: {error}")


def _is_of_a_writer(talk: Talk, issue: int | None) -> bool:
    """Whether whoever wrote the workflow's issue may write: an `/approve` lets it run, and is no review."""
    return issue is None or talk.api.may_write(talk.api.issue(issue).author.login)
