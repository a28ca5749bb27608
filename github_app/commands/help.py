"""`/help`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Help(Frozen):
    """Explain the commands."""


GRAMMAR = Grammar(
    word="help",
    makes=Help,
    about="Show this list.",
    example="/help",
)
