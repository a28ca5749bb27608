"""`/kb`: what the knowledge base has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from github_app.handlers.errors import CannotDo
from github_app.knowledge import UnreadableKnowledge
from github_app.telling import pages

if TYPE_CHECKING:
    from github_app.commands.kb import Kb
    from github_app.handlers.talk import Talk

MOST_HITS: Final = 5
"""Of one answer: it is read in a conversation, perhaps in a mail."""


def kb(talk: Talk, command: Kb) -> None:
    """Answer with the best hits, each with a link and why it was found.

    Raises:
        CannotDo: there is no index, and none can be made.
    """
    if talk.doors.knowledge is None:
        raise CannotDo("this server keeps no index of knowledge bases")
    try:
        found, files_url = talk.doors.knowledge.search(talk.api, command.text, MOST_HITS)
    except UnreadableKnowledge as error:
        raise CannotDo(f"the knowledge base cannot be read: {error}") from None
    talk.reply(pages.found(command.text, found, files_url))
