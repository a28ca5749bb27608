"""`/help`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.commands.known import help_text

if TYPE_CHECKING:
    from github_app.commands.help import Help
    from github_app.handlers.talk import Talk


def help_(talk: Talk, _: Help) -> None:
    """Answer with all commands."""
    talk.reply(help_text())
