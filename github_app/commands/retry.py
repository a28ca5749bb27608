"""`/retry`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Retry(Frozen):
    """Do again what failed."""


GRAMMAR = Grammar(
    word="retry",
    makes=Retry,
    about="Start the last run again, as it was asked for.",
    example="/retry",
)
