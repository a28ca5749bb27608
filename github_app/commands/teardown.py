"""`/teardown`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar, Option
from github_app.commands.values import ENVIRONMENT
from runner.model import Environment


class Teardown(Frozen):
    """Stop what is deployed; production only where that is said."""

    env: Environment | None = None


GRAMMAR = Grammar(
    word="teardown",
    makes=Teardown,
    about="Stop the previews of this pull request or issue, or what a merged pull request has put into production.",
    example="/teardown --env production",
    options=(Option("env", ENVIRONMENT, "what is stopped; previews unless said otherwise"),),
)
