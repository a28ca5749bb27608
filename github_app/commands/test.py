"""`/test`."""

from __future__ import annotations

from codegen.model import Frozen
from github_app.commands.grammar import Grammar


class Test(Frozen):
    """Test what is deployed."""

    __test__ = False  # not a pytest class


GRAMMAR = Grammar(
    word="test",
    makes=Test,
    about="Test the running preview again, without deploying it anew.",
    example="/test",
)
