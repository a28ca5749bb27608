"""Merging without a person, where the repository's settings allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.errors import Outdated, Refused
from runner.documents.markdown import plain
from runner.model import repository_key

if TYPE_CHECKING:
    from github_app.handlers.talk import Talk

MARKER = "auto-merge"
"""Of the comment that says why there is none."""
MAX_LISTED = 500
"""Characters of the names of checks."""


def consider(talk: Talk) -> None:
    """Let GitHub merge the pull request once its own rules allow, if the policy does and our tests have passed."""
    pull = talk.pull
    all_runs = talk.doors.records.of_pull(repository_key(talk.repository), talk.number)
    runs = [run for run in all_runs if run.kind != "vary"]  # variations are no tests: what they add was not tested
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
        _merge(talk, pull.head.sha)
    except Outdated:
        return  # the push that has come meanwhile is tested on its own
    except Refused as error:
        talk.api.say(talk.number, MARKER, f"Auto-merge is in the settings, but GitHub does not allow it: {error}")


def _merge(talk: Talk, sha: str) -> None:
    """Nothing that failed, and nothing at once for which others' checks have not ended: no rule may wait for them."""
    others = talk.api.checks_of_others(sha)
    if others.failed:
        return
    if not talk.api.auto_merge(talk.number, talk.rules.auto_merge.method, sha=sha, at_once=not others.pending):
        listed = plain(", ".join(others.pending), MAX_LISTED)
        way_out = "It is looked at again when a check of another App ends, and at an approving review."
        talk.api.say(talk.number, MARKER, f"Not merged by itself, as these checks had not ended: {listed}. {way_out}")


def _is_of_a_writer(talk: Talk, issue: int | None) -> bool:
    """Whether whoever wrote the workflow's issue may write: an `/approve` lets it run, and is no review."""
    return issue is None or talk.api.may_write(talk.api.issue(issue).author.login)
