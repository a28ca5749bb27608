"""`/adopt`: the values of a variation become the app's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.commands.vary import check_idle, is_known
from github_app.handlers.errors import CannotDo
from github_app.handlers.redeploy import of_branch, redeploy
from github_app.telling import pages
from runner.variations.asking import ask_to_adopt
from runner.variations.errors import BadVariation
from runner.variations.files import RECORD, read_record

if TYPE_CHECKING:
    from github_app.commands.adopt import Adopt
    from github_app.handlers.talk import Talk
    from runner.variations.files import Record


def adopt(talk: Talk, command: Adopt) -> None:
    """Ask for a run that commits, deploys and tests the app with them, and answer with what changes.

    Raises:
        CannotDo: there is no such variation, or the app does not take its values any more.
    """
    if not talk.is_pull:
        raise CannotDo("there are no variations on an issue; write /adopt on its pull request")
    if is_known(talk):
        return
    request, name = of_branch(talk)
    check_idle(talk, request)
    commit = request.commit
    assert commit is not None

    def read(file: str) -> bytes | None:
        return talk.api.file(f"apps/modal/{name}/{file}", commit)

    try:
        record = read_record(read(RECORD))
        _check_newest(talk, name, record)
        adoption, moved = ask_to_adopt(command.number, record, read)
    except BadVariation as error:
        raise CannotDo(str(error)) from None
    talk.reply(pages.adopting(adoption, moved=moved))  # before the run: whoever dies between says it once more
    redeploy(talk, adopt=adoption.request)


def _check_newest(talk: Talk, name: str, record: Record) -> None:
    """Numbers are those of the newest table that people see.

    Raises:
        CannotDo: that one was not committed.
    """
    newest = next((run for run in talk.runs() if run.kind == "vary" and run.name == name), None)
    if newest is not None and newest.id != record.run:
        raise CannotDo(
            f"the newest variations (run {newest.id}) were not committed, so none can be adopted; /vary again"
        )
