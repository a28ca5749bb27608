"""`/vary`: the app of a pull request, called with every combination of some values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.redeploy import of_branch
from runner.errors import RunNotFound
from runner.model import Lane
from runner.records import keyed_run_id
from runner.variations.asking import ask_for
from runner.variations.errors import BadVariation

if TYPE_CHECKING:
    from github_app.commands.vary import Vary
    from github_app.handlers.talk import Talk
    from runner.model import RunRequest
    from runner.records import RunRecord
    from runner.variations.model import VaryRequest


def vary(talk: Talk, command: Vary) -> None:
    """Ask for a run that makes them; its comment says first what they will take.

    Raises:
        CannotDo: they cannot be made, would cost too much, or something else is under way.
    """
    if not talk.is_pull:
        raise CannotDo("there is no app on an issue yet; write /vary on its pull request")
    if is_known(talk):
        return
    request, name = of_branch(talk)
    check_idle(talk, request)
    commit = request.commit
    assert commit is not None
    try:
        asked = ask_for(
            command.wishes,
            lambda file: talk.api.file(f"apps/modal/{name}/{file}", commit),
            budget_usd=request.budget_usd,
            costs=talk.doors.target.costs,
        )
    except BadVariation as error:
        raise CannotDo(str(error)) from None
    talk.doors.runs.ask(request.model_copy(update={"kind": "vary", "vary": asked}), name, key=talk.key)


def vary_again(talk: Talk, record: RunRecord, asked: RunRequest) -> None:
    """Ask for the grid of an earlier run, of what is on the branch now; what was made of the same app is kept.

    Raises:
        CannotDo: something else is under way.
        NotOurs: the pull request is none of an app any more.
    """
    assert asked.vary is not None
    if is_known(talk):
        return
    request, name = of_branch(talk, asked.budget_usd)
    check_idle(talk, request)
    again = asked.vary.model_copy(update={"again": kept_by(record, asked.vary), "estimate": None})
    talk.doors.runs.ask(request.model_copy(update={"kind": "vary", "vary": again}), name, key=talk.key)


def kept_by(record: RunRecord, asked: VaryRequest) -> str:
    """The run that has the cells which are to be kept: this one, unless it ended before it had taken them over."""
    return asked.again if record.progress.variations is None and asked.again else record.id


def check_idle(talk: Talk, request: RunRequest) -> None:
    """Make sure that nothing of the app is under way, which must not be ended for this.

    Raises:
        CannotDo: something is.
    """
    assert request.name is not None
    lane = Lane(request.repo_key, request.name, request.environment)
    going = [record for record in talk.doors.records.unfinished(lane) if record.id != keyed_run_id(talk.key)]
    if going:
        what = "variations are being made" if going[0].kind == "vary" else "the app is being deployed and tested"
        raise CannotDo(f"{what} (run {going[0].id}); ask again when that has ended, or end it with /cancel")


def is_known(talk: Talk) -> bool:
    """Whether the same comment has asked for it already."""
    try:
        talk.doors.records.get(keyed_run_id(talk.key))
    except RunNotFound:
        return False
    return True
