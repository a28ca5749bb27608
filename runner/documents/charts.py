"""Bars of text: they look the same in light and dark mode, in an e-mail, and on a terminal.

A picture would not: no common mail program shows SVG (https://www.caniemail.com/features/image-svg/), pictures of a
private repository are in no e-mail at all, and plain text has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.documents.markdown import Markdown, block, line

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 16
"""Characters of the longest bar: with label and value it fits a phone."""
MAX_LABEL = 16
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"


class Bar(NamedTuple):
    """A row of a chart."""

    label: str
    value: float
    """Not negative."""
    shown: str
    """The value in words."""


def chart(bars: Sequence[Bar], whole: float | None = None) -> Markdown:
    """A block of code with a bar in each line; `whole` is the value of a full one, by default the greatest."""
    full = max((bar.value for bar in bars), default=0) if whole is None else whole
    labels = [line(bar.label, MAX_LABEL) for bar in bars]
    label, shown = max(map(len, labels), default=0), max((len(bar.shown) for bar in bars), default=0)
    rows = (
        f"{name:<{label}}  {bar.shown:>{shown}}  {drawn(bar.value / full if full else 0)}".rstrip()
        for name, bar in zip(labels, bars, strict=True)
    )
    return block("\n".join(rows), "text")


def drawn(share: float, width: int = WIDTH) -> str:
    """A bar for a share of the whole, to an eighth of a character; what is more than nothing is seen."""
    eighths = round(min(max(share, 0), 1) * width * 8)
    full, rest = divmod(max(eighths, 1) if share > 0 else 0, 8)
    return f"{_FULL * full}{_EIGHTHS[rest] if rest else ''}"
