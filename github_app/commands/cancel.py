"""`/cancel`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Cancel(Frozen):
    """Stop the active run."""


GRAMMAR = Grammar(
    word="cancel",
    makes=Cancel,
    about="Stop the run that is going on, and what it has deployed.",
    example="/cancel",
)
