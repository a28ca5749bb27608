"""`/status`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Status(Frozen):
    """Tell how things stand."""


GRAMMAR = Grammar(
    word="status",
    makes=Status,
    about="Say how the runs of this conversation stand, and what they have cost.",
    example="/status",
)
