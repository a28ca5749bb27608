"""`/test`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Test(Frozen):
    """Test what the branch has."""

    __test__ = False  # not a pytest class


GRAMMAR = Grammar(
    word="test",
    makes=Test,
    about="Deploy what the pull request's branch has to a preview and test it, with nothing else changed.",
    example="/test",
)
