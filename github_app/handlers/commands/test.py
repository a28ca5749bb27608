"""`/test`: what the branch has, deployed and tested with nothing else changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.redeploy import redeploy

if TYPE_CHECKING:
    from github_app.commands.test import Test
    from github_app.handlers.talk import Talk


def test(talk: Talk, _: Test) -> None:
    """Ask for a run.

    Raises:
        CannotDo: on an issue there is nothing to test yet.
    """
    if not talk.is_pull:
        raise CannotDo("there is nothing to test on an issue; write /test on its pull request, or /deploy here")
    redeploy(talk)
