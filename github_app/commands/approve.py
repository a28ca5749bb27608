"""`/approve`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Approve(Frozen):
    """Vouch for the workflow of an outsider."""


GRAMMAR = Grammar(
    word="approve",
    makes=Approve,
    about="Let the workflow of somebody without write permission run, at the cost that was estimated.",
    example="/approve",
)
