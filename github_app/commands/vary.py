"""`/vary`."""

from __future__ import annotations

from typing import Any

from codegen.model import Frozen
from github_app.commands.grammar import Argument, Grammar
from github_app.commands.values import BadValue
from runner.variations.errors import BadVariation
from runner.variations.grammar import Wish, read_wishes, show_wishes


class Vary(Frozen):
    """Call the app with every combination of some values."""

    wishes: tuple[Wish, ...]
    """As they were written; which inputs there are, and what they take, says the app's interface."""


class Wishes:
    """`seed=1..4 steps=20,30`."""

    placeholder = "input=values …"

    def read(self, text: str) -> tuple[Wish, ...]:
        """The values of each input."""
        try:
            return read_wishes(text)
        except BadVariation as error:
            raise BadValue(f"cannot be read: {error}") from None

    def show(self, value: Any) -> str:  # noqa: ANN401 - as in the protocol
        """The line that is read as `value`."""
        return show_wishes(value)


GRAMMAR = Grammar(
    word="vary",
    makes=Vary,
    about="On a pull request: call its app with every combination of some values, such as "
    "`/vary seed=1..4 steps=20,30 cfg=5..7:0.5`, and show them side by side.",
    example="/vary seed=1..4 steps=20,30 cfg=5..7:0.5",
    argument=Argument("wishes", Wishes(), "values to try", required=True, whole_line=True),
)
