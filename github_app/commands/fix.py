"""`/fix`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import Sentence

MAX_HINT = 500
"""Characters: a hint is a sentence or two; more belongs into the workflow."""


class Fix(Frozen):
    """Try to repair the app."""

    hint: str
    """Words of a person with write permission; still not to be trusted as instructions."""


GRAMMAR = Grammar(
    word="fix",
    makes=Fix,
    about="Try to repair the app, with a hint of what is wrong. The result is a change of its lock, to be reviewed.",
    example="/fix it needs more than 24 GB of GPU memory",
    argument=Argument("hint", Sentence("hint", MAX_HINT), "a hint of what is wrong", required=True, whole_line=True),
)
