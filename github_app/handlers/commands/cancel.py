"""`/cancel`: end what is going on here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.teardown import end

if TYPE_CHECKING:
    from github_app.commands.cancel import Cancel
    from github_app.handlers.talk import Talk


def cancel(talk: Talk, _: Cancel) -> None:
    """Ask for the end of this conversation's runs; their comments tell when they have ended.

    Raises:
        CannotDo: nothing is going on.
    """
    if not end(talk.doors, talk.runs(), f"cancelled by {talk.sender}"):
        raise CannotDo("nothing is running here")
