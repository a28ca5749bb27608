"""Variations on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from runner.variations.words import value_words

if TYPE_CHECKING:
    from github_app.cli.terminal import SafeConsole
    from runner.variations.model import CellResult, Variations


def show_variations(console: SafeConsole, variations: Variations) -> None:
    """The table, the recommendation, and where the sheet is."""
    varied = variations.grid.varied
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("", *varied, "time", "cost", "score", ""):
        table.add_column(terminal.one_line(head), overflow="fold")
    best = variations.recommendation.number if variations.recommendation else None
    for cell in variations.cells:
        values = [terminal.one_line(value_words(cell.inputs[name])) for name in varied]
        table.add_row(str(cell.number), *values, *_measured(cell), _said(cell, best=cell.number == best))
    console.print(table)
    if variations.missing:
        console.print(f"{variations.missing} of {variations.grid.size} were not made")
    if variations.recommendation is not None:
        words = f"{variations.recommendation.number}, {variations.recommendation.reason}"
        console.print(Text("Recommended: ", style="bold").append(terminal.one_line(words), style="default not bold"))
    if variations.sheet:
        console.print(f"Contact sheet: {terminal.one_line(variations.sheet)}")


def _measured(cell: CellResult) -> tuple[str, str, str]:
    if cell.state == "failed":
        return "", "", ""
    return f"{cell.seconds:.2f} s", f"${cell.usd:.6f}", "" if cell.score is None else f"{cell.score:.1f}"


def _said(cell: CellResult, *, best: bool) -> Text:
    if cell.state == "failed":
        return Text(f"failed: {terminal.one_line(cell.reason or '')}", style="red")
    if best:
        return Text("recommended", style="green")
    return Text(terminal.one_line(cell.flaw or ""), style="yellow")
