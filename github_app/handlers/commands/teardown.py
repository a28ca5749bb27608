"""`/teardown`: stop everything that is deployed for this conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.teardown import end, stop

if TYPE_CHECKING:
    from github_app.commands.teardown import Teardown
    from github_app.handlers.talk import Talk


def teardown(talk: Talk, _: Teardown) -> None:
    """End what runs, stop what serves; the runs' comments tell of it.

    Raises:
        CannotDo: there is nothing.
    """
    runs = talk.runs()
    ended = end(talk.doors, runs, f"torn down by {talk.sender}")
    stopped = stop(talk.doors, runs)
    if not ended and not stopped:
        raise CannotDo("nothing is deployed for this conversation")
