"""`/teardown`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Teardown(Frozen):
    """Stop what is deployed."""


GRAMMAR = Grammar(
    word="teardown",
    makes=Teardown,
    about="Stop everything that is deployed for this pull request or issue.",
    example="/teardown",
)
