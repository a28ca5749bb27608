"""The kinds of values that people give us, in commands as in forms: how each is read, shown and explained."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, get_args

from codegen.lock import Gpu
from runner.model import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable

Target: TypeAlias = Literal["modal", "local"]
"""Where apps are deployed."""

MAX_BUDGET_USD: Final = 1000
"""Of one run. A larger number is more likely a slip of the hand than a wish."""
MAX_MONTHLY_BUDGET_USD: Final = 100_000
"""Of all runs of a month; for the same reason."""
SHOWN_CHARACTERS: Final = 60
"""Of what somebody wrote, in a message."""


class BadValue(ValueError):  # noqa: N818 - reads as the sentence that is shown
    """A value cannot be used; says what would do."""

    def __init__(self, message: str, *, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        """The value that was probably meant."""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


class Kind(Protocol):
    """A kind of value."""

    @property
    def placeholder(self) -> str:
        """How usage lines name it."""
        ...

    def read(self, text: str) -> object:
        """The value.

        Raises:
            BadValue: there is none in the text.
        """
        ...

    def show(self, value: object) -> str:
        """The text that is read as `value`."""
        ...


class Choice:
    """One of a few words, whatever their case and hyphens."""

    def __init__(self, placeholder: str, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._placeholder = placeholder
        self._plain = {_plain(word): word for word in self.words}

    @property
    def placeholder(self) -> str:
        """How usage lines name it: the words themselves while they are few."""
        return self._placeholder if len(self.words) > FEW else "|".join(self.words)

    def read(self, text: str) -> str:
        """The word as it is written properly."""
        word = self._plain.get(_plain(text))
        if word is None:
            raise BadValue(f"is none of {', '.join(self.words)}", suggestion=self.meant(text))
        return word

    def show(self, value: object) -> str:
        """The word."""
        return str(value)

    def meant(self, text: object) -> str | None:
        """The word that is nearest to a text that is none of them, if any is near."""
        if not isinstance(text, str):
            return None
        begun = [plain for plain in self._plain if _plain(text) and plain.startswith(_plain(text))]
        near = begun[0] if begun else did_you_mean(_plain(text), self._plain)
        return self._plain[near] if near is not None else None


FEW = 3
"""Words that fit into a line of usage."""


class Dollars:
    """An amount of US dollars: `5`, `$7.50`, `12 USD`."""

    placeholder = "USD"
    _amount = re.compile(r"(?:US)?\$?\s*(\d{1,9}(?:\.\d{1,2})?)\s*(?:\$|USD|dollars?)?", re.IGNORECASE | re.ASCII)

    def read(self, text: str) -> float:
        """The amount: more than nothing, at most `MAX_BUDGET_USD`."""
        found = self._amount.fullmatch(text.strip())
        if found is None:
            raise BadValue("is no amount of US dollars; write it like 5 or 7.50")
        amount = float(found[1])
        if not 0 < amount <= MAX_BUDGET_USD:
            raise BadValue(f"must be more than 0 and at most {MAX_BUDGET_USD:,} US dollars")
        return amount

    def show(self, value: object) -> str:
        """The amount in cents' precision."""
        return f"{value:.2f}" if isinstance(value, float) else str(value)


class Sentence:
    """Words of a person, for a person or a language model."""

    def __init__(self, placeholder: str, limit: int) -> None:
        self._placeholder, self._limit = placeholder, limit

    @property
    def placeholder(self) -> str:
        """How usage lines name it."""
        return self._placeholder

    def read(self, text: str) -> str:
        """The words, with single spaces."""
        words = " ".join(text.split())
        if len(words) > self._limit:
            raise BadValue(f"has {len(words):,} characters; at most {self._limit:,} are taken")
        return words

    def show(self, value: object) -> str:
        """The words."""
        return str(value)


class Version:
    """What was deployed once: a tag, or a commit of at least 7 characters."""

    placeholder = "version"
    _name = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|[./](?=[A-Za-z0-9_-])){0,99}", re.ASCII)

    def read(self, text: str) -> str:
        """The tag or commit."""
        if not self._name.fullmatch(text):
            raise BadValue("is no version; give a tag, such as poster/v3, or a commit")
        return text

    def show(self, value: object) -> str:
        """The tag or commit."""
        return str(value)


GPU: Final = Choice("GPU", get_args(Gpu))
TARGET: Final = Choice("target", get_args(Target))
ENVIRONMENT: Final = Choice("environment", get_args(Environment))
DOLLARS: Final = Dollars()


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest, if any is near."""
    return next(iter(difflib.get_close_matches(word[:SHOWN_CHARACTERS], list(known), n=1)), None)


def shown(text: str) -> str:
    """What somebody wrote, fit for one line of a message."""
    line = "".join(char if char.isprintable() else " " for char in text[: 2 * SHOWN_CHARACTERS])
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
