r"""Consoles that hostile text cannot take over.

Titles, node names, file names and logs are written by strangers. A terminal obeys escape sequences in what it prints
(colours, cursor movements, window titles, even pasted input), and bidirectional controls can make a line read as
something else. Both are shown as what they are: `\x1b`, `\u202e`.
"""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from rich.console import ConsoleOptions, RenderableType

PIPE_WIDTH = 120
"""Columns of tables that go into a file or a pipe, where no terminal says how wide it is."""

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Format characters that ordinary words and emoji are made with."""


def clean(text: str) -> str:
    """`text` with every control, direction and surrogate character spelled out; line breaks and tabs stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(_visible(character) for character in text)


def one_line(text: str) -> str:
    """`clean`, and line breaks and tabs become single spaces: no title can pretend to be a line of our own."""
    return clean(" ".join(text.split()))


def shorten(text: str, limit: int) -> str:
    """`one_line`, and at most `limit` characters, with an ellipsis in the place of what was cut."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    if character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode("ascii")


class SafeConsole(Console):
    """A console whose text, wherever it comes from, is `clean` and never read as markup."""

    def __init__(self, file: TextIO) -> None:
        to_terminal = file.isatty()
        width = None if to_terminal else PIPE_WIDTH
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=not to_terminal)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Rich's own rendering; every piece of text on its way to the terminal passes here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean(segment.text), segment.style)


def stdout() -> SafeConsole:
    """For results. Made when needed: the stream may be another one than at start-up."""
    return SafeConsole(sys.stdout)


def stderr() -> SafeConsole:
    """For progress, notes and errors."""
    return SafeConsole(sys.stderr)
