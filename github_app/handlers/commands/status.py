"""`/status`: what runs and serves for this conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.telling import pages
from github_app.telling.viewing import view_of

if TYPE_CHECKING:
    from github_app.commands.status import Status
    from github_app.handlers.talk import Talk


MAX_RUNS = 20
"""Of one answer: the newest."""


def status(talk: Talk, _: Status) -> None:
    """Answer with the runs, newest first."""
    records = talk.doors.records
    talk.reply(
        pages.status(
            [
                view_of(
                    record,
                    records.request(record.id),
                    target=talk.doors.target.name,
                    money=talk.doors.money(record.id),
                )
                for record in talk.runs()[:MAX_RUNS]
            ]
        )
    )
