"""Variations in words, the same in the comment and wherever else they are told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.documents.markdown import Markdown, code, link, plain
from runner.variations.words import expected_words, value_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.variations.model import CellResult, Variations


ALL: Final = 30
"""Rows for which a page has room (`page.ROWS`): then it has room for every cell, whose rows are short."""


def expected(variations: Variations, target: str) -> str:
    """How many there are and what they take, before anything is spent."""
    return expected_words(variations, costs=target != "local")


def columns(variations: Variations) -> tuple[str, ...]:
    """The inputs that tell the rows apart."""
    return variations.grid.varied


def fixed(variations: Variations) -> tuple[tuple[str, Markdown], ...]:
    """Inputs that the grid holds at one value."""
    return tuple((axis.name, value(axis.values[0])) for axis in variations.grid.axes if len(axis.values) == 1)


def picture(variations: Variations) -> Markdown | None:
    """The contact sheet, where there is a page that shows it."""
    shown = link("Contact sheet", variations.sheet) if variations.sheet else ""
    return Markdown(f"!{shown}") if shown.startswith("[") else None


def table(variations: Variations, most: int) -> tuple[Markdown, ...]:
    """Its lines: number, values, seconds, cost, the score if there is any, and what else is to be said of a cell.

    `most`: rows, where a page is short of room; the largest means all.
    """
    scored = any(cell.score is not None for cell in variations.cells)
    heads = ["", *(code(name) for name in columns(variations)), "time", "cost", *(["score"] if scored else []), ""]
    shown = variations.cells if most >= ALL else variations.cells[:most]
    lines = [
        _line(heads),
        _line(["---"] * len(heads)),
        *(_line(_row(variations, cell, scored=scored)) for cell in shown),
    ]
    more = len(variations.cells) - len(shown)
    if more:
        lines.append(_line([f"and {more} more, in `variations.json`", *[""] * (len(heads) - 1)]))
    return tuple(lines)


def _line(cells: Iterable[str]) -> Markdown:
    return Markdown(f"| {' | '.join(cells)} |")


def _row(variations: Variations, cell: CellResult, *, scored: bool) -> tuple[Markdown, ...]:
    best = variations.recommendation is not None and variations.recommendation.number == cell.number
    number = Markdown(f"**{cell.number}**" if best else str(cell.number))
    values = [value(cell.inputs[name]) for name in columns(variations)]
    if cell.state == "failed":
        blank = [Markdown("-")] * (3 if scored else 2)
        return (number, *values, *blank, Markdown(f"✗ failed: {plain(cell.reason or 'nobody knows why')}"))
    score = [Markdown("-" if cell.score is None else f"{cell.score:.1f}")] if scored else []
    note = Markdown("recommended") if best else plain(cell.flaw) if cell.flaw else Markdown("")
    return (number, *values, Markdown(f"{cell.seconds:.2f} s"), Markdown(f"${cell.usd:.6f}"), *score, note)


def value(given: object) -> Markdown:
    """A value as it is shown in a table."""
    return code(value_words(given))
