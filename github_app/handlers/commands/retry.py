"""`/retry`: the last run of this conversation once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.commands.vary import vary_again
from github_app.handlers.errors import CannotDo
from github_app.handlers.redeploy import redeploy

if TYPE_CHECKING:
    from github_app.commands.retry import Retry
    from github_app.handlers.talk import Talk
    from runner.records import RunRecord


def retry(talk: Talk, _: Retry) -> None:
    """Ask for it again.

    Raises:
        CannotDo: there is none, or it is still going on.
    """
    runs = talk.runs()
    if not runs:
        raise CannotDo("nothing has run here yet; /deploy starts a run")
    again(talk, runs[0])


def again(talk: Talk, record: RunRecord) -> None:
    """Ask for what a run was for, once more.

    Raises:
        CannotDo: it has not ended.
    """
    if not record.finished:
        raise CannotDo("it is still going on; /cancel ends it first")
    request = talk.doors.records.request(record.id)
    if talk.is_pull and request.kind == "vary":
        vary_again(talk, record, request)
        return
    if talk.is_pull and request.kind != "production":
        redeploy(talk, gpu=request.gpu, budget=request.budget_usd)
        return
    origin = request.origin.model_copy(update={"sender": talk.sender}) if request.origin else talk.origin
    talk.doors.runs.ask(
        request.model_copy(
            update={
                "origin": origin,
                "budget_usd": talk.budget(request.budget_usd),
                "monthly_budget_usd": talk.rules.monthly_budget_usd,
                "quality": talk.rules.quality,
            }
        ),
        record.name,
        key=talk.key,
    )
