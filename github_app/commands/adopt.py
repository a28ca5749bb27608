"""`/adopt`."""

from __future__ import annotations

import re

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import BadValue


class Adopt(Frozen):
    """Make the values of a variation the app's defaults."""

    number: int


class Number:
    """Of a variation, as the sheet shows it: `3`, `#3`."""

    placeholder = "number"
    _digits = re.compile(r"#?([1-9][0-9]{0,3})", re.ASCII)

    def read(self, text: str) -> int:
        """The number."""
        found = self._digits.fullmatch(text)
        if found is None:
            raise BadValue("is no number of a variation; give the one below its picture, such as 3")
        return int(found[1])

    def show(self, value: object) -> str:
        """The number."""
        return str(value)


GRAMMAR = Grammar(
    word="adopt",
    makes=Adopt,
    about="Make the values of a variation the app's defaults: a commit to its lock, deployed and tested.",
    example="/adopt 3",
    argument=Argument("number", Number(), "the number of a variation", required=True),
)
