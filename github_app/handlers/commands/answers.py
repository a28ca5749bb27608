"""Lines that answer our questions: the run is asked for again, with the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.redeploy import redeploy

if TYPE_CHECKING:
    from github_app.commands.answers import Answers
    from github_app.handlers.talk import Talk
    from runner.model import Answer


def answer(talk: Talk, command: Answers) -> None:
    """Ask for a run that knows them.

    Raises:
        CannotDo: there is no run here whose questions they could answer.
    """
    if talk.is_pull:
        redeploy(talk, answers=command.answers)
        return
    runs = talk.runs()
    names = {record.name for record in runs}
    if not runs:
        raise CannotDo("nothing has run here yet that this could answer; /deploy starts a run")
    for name in sorted(names):
        last = talk.doors.records.request(next(record for record in runs if record.name == name).id)
        request = last.model_copy(
            update={
                "answers": _together(last.answers, command.answers),
                "origin": talk.origin,
                "budget_usd": talk.budget(last.budget_usd),
                "monthly_budget_usd": talk.rules.monthly_budget_usd,
                "quality": talk.rules.quality,
            }
        )
        talk.doors.runs.ask(request, name, key=f"{talk.key}/{name}")


def _together(before: tuple[Answer, ...], now: tuple[Answer, ...]) -> tuple[Answer, ...]:
    newer = {(answer.about, answer.name) for answer in now}
    return (*(answer for answer in before if (answer.about, answer.name) not in newer), *now)
