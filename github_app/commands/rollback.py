"""`/rollback`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import Version


class Rollback(Frozen):
    """Put an earlier version into production."""

    to: str | None = None
    """A tag or a commit; `None` for the version before."""


GRAMMAR = Grammar(
    word="rollback",
    makes=Rollback,
    about="On a pull request of the app: put the version before, or the one named, back into production.",
    example="/rollback poster/v3",
    argument=Argument("to", Version(), "a tag or a commit"),
)
