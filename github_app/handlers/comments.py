"""Comments and reviews: the commands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.commands.comment import parse_comment
from github_app.commands.fix import Fix
from github_app.commands.grammar import CommandError
from github_app.github.markers import in_marker
from github_app.handlers.auto_merge import consider
from github_app.handlers.commands import carry_out
from github_app.handlers.talking import told
from github_app.telling import pages

if TYPE_CHECKING:
    from github_app.commands.known import Command
    from github_app.events.model import CommentEvent, ReviewEvent
    from github_app.handlers.talk import Talk


def on_comment(event: CommentEvent, talk: Talk) -> None:
    """Do what it commands; talk among people is left alone."""
    _obey(talk, parse_comment(event.comment.body, bot=talk.doors.github.bot_login))


def on_review(event: ReviewEvent, talk: Talk) -> None:
    """A review that asks for changes can say which, with `/fix`; an approval may let it be merged."""
    if event.action != "submitted":
        return
    if event.review.state == "approved":
        consider(talk)
    found = parse_comment(event.review.body, bot=talk.doors.github.bot_login, anywhere=True)
    if event.review.state == "changes_requested":
        found = tuple(command for command in found if isinstance(command, Fix | CommandError))
    _obey(talk, found)


def _obey(talk: Talk, found: tuple[Command | CommandError, ...]) -> None:
    if not found:
        return
    if not talk.may_write:
        talk.api.say(
            talk.number,
            f"refused:{in_marker(talk.sender)}",
            pages.permission_refused(talk.sender, has=talk.api.permission(talk.sender)),
        )
        return
    talk.react("eyes")
    errors = [error for error in found if isinstance(error, CommandError)]
    if errors:
        talk.reply(pages.command_refused(errors))
        return
    for index, command in enumerate(found):
        assert not isinstance(command, CommandError)
        part = talk if len(found) == 1 else talk.part(str(index))
        with told(part):
            carry_out(part, command)
