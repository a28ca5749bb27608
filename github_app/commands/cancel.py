"""`/cancel`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Cancel(Frozen):
    """Stop the active run."""


GRAMMAR = Grammar(
    word="cancel",
    makes=Cancel,
    about="Stop what is going on here: the runs of this issue or pull request.",
    example="/cancel",
)
