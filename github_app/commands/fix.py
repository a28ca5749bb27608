"""`/fix`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import Sentence

MAX_HINT = 500
"""Characters: a hint is a sentence or two; more belongs into the workflow."""


class Fix(Frozen):
    """Change the app as a person says."""

    hint: str
    """Words of a person with write permission; still not to be trusted as instructions."""


GRAMMAR = Grammar(
    word="fix",
    makes=Fix,
    about="Change the app by a hint that names a GPU, or that answers a question: a commit to its lock.",
    example="/fix 24 GB are not enough, take an L40S",
    argument=Argument("hint", Sentence("hint", MAX_HINT), "a hint of what to change", required=True, whole_line=True),
)
