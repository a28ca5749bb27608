"""`/teardown`: stop what is deployed for this conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.teardown import end, stop

if TYPE_CHECKING:
    from github_app.commands.teardown import Teardown
    from github_app.handlers.talk import Talk


def teardown(talk: Talk, command: Teardown) -> None:
    """End what runs, stop what serves; the runs' comments tell of it. Production is stopped only if that is said.

    Raises:
        CannotDo: there is nothing.
    """
    environment = command.env or "preview"
    runs = [record for record in talk.runs() if record.environment == environment]
    ended = end(talk.doors, runs, f"torn down by {talk.sender}")
    stopped = stop(talk.doors, runs)
    if not ended and not stopped:
        raise CannotDo(
            "no preview is deployed for this conversation; on a merged pull request, /teardown --env production stops "
            "what it has put into production"
            if environment == "preview"
            else "this conversation has nothing in production"
        )
