"""`/kb`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import Sentence

MAX_TEXT = 500
"""Characters: a question, a node's name, the last line of an error."""


class Kb(Frozen):
    """Look something up in the knowledge base."""

    text: str


GRAMMAR = Grammar(
    word="kb",
    makes=Kb,
    about="Look into the knowledge base: for what a workflow does, for a node, a model or an error.",
    example="/kb upscale a portrait",
    argument=Argument("text", Sentence("text", MAX_TEXT), "what to look for", required=True, whole_line=True),
)
