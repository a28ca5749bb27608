"""`/logs`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Logs(Frozen):
    """Show the log of what is deployed."""


GRAMMAR = Grammar(
    word="logs",
    makes=Logs,
    about="Show the last lines that the newest deployment printed.",
    example="/logs",
)
