"""`/logs`: the last words of what is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.telling import pages
from github_app.telling.viewing import view_of
from runner.redaction import redacted

if TYPE_CHECKING:
    from github_app.commands.logs import Logs
    from github_app.handlers.talk import Talk


def logs(talk: Talk, _: Logs) -> None:
    """Answer with the log of the newest run that has one.

    Raises:
        CannotDo: none has.
    """
    for record in talk.runs():
        log = talk.doors.target.log(record.id)
        if log:
            talk.reply(pages.logs(view_of(record, talk.doors.records.request(record.id)), redacted(log)))
            return
    raise CannotDo("no deployment of this conversation has left a log")
