"""`/approve`: the workflow of somebody without write permission may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.intake import take_in

if TYPE_CHECKING:
    from github_app.commands.approve import Approve
    from github_app.handlers.talk import Talk


def approve(talk: Talk, command: Approve) -> None:
    """Exactly what our comment has shown is approved.

    Raises:
        CannotDo: nothing waits for an approval here.
    """
    if talk.is_pull:
        raise CannotDo("/approve is for workflows in issues; a pull request is approved with a review")
    take_in(talk, talk.api.issue(talk.number), command)
