"""The values variations are made of. All are JSON through pydantic: that is how they survive a crash."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from codegen.lock_changes import SetInput
from codegen.model import Frozen

MOST_CELLS = 64
"""Of one grid: eight by eight, which people can still look at. More is a benchmark, and has scripts."""
MOST_INPUTS = 64
"""Of one grid, varied or held at one value: there are no more cells to tell apart either."""
LONGEST_TEXT = 2000
"""Characters of one value: the longest prompts there are."""

Value: TypeAlias = (
    Annotated[str, Field(max_length=LONGEST_TEXT)] | int | Annotated[float, Field(allow_inf_nan=False)] | bool
)
"""Of an input, typed as its schema has it."""


class Axis(Frozen):
    """One input, and the values that it takes."""

    name: str
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=MOST_CELLS)]


class Cell(Frozen):
    """One call."""

    number: int
    """From 1; what people name it by."""
    inputs: dict[str, Value]
    """Those that the grid gives; all others are as in every cell."""


class Grid(Frozen):
    """Every combination of the axes' values."""

    axes: Annotated[tuple[Axis, ...], Field(min_length=1)]

    @property
    def size(self) -> int:
        """How many cells there are."""
        return prod(len(axis.values) for axis in self.axes)

    @property
    def varied(self) -> tuple[str, ...]:
        """The inputs that tell cells apart."""
        return tuple(axis.name for axis in self.axes if len(axis.values) > 1)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """In the order of their numbers; the last axis turns fastest."""
        names = [axis.name for axis in self.axes]
        combinations = product(*(axis.values for axis in self.axes))
        return tuple(
            Cell(number=number, inputs=dict(zip(names, values, strict=True)))
            for number, values in enumerate(combinations, 1)
        )


class Estimate(Frozen):
    """What a grid will take, before it is made."""

    cells: int
    call_seconds: float
    """Of one warm call, as the last test has measured it."""
    start_seconds: float
    """Of a container, before its first call."""
    seconds: float
    """Of hardware in all."""
    usd_per_second: float
    usd: float
    scaled_by: tuple[str, ...] = ()
    """Inputs that make a call longer, by which it was scaled."""
    idle: int = 0
    """Containers beyond those that are called, which the app has all the time, and which are paid for."""


class VaryRequest(Frozen):
    """What a run of the kind `vary` was asked for."""

    grid: Grid
    estimate: Estimate | None = None
    """`None`: nothing has been measured yet."""
    again: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    """An earlier run of the same grid: what it has made of the same app is kept."""


class AdoptRequest(Frozen):
    """A variation that is to be the app's new default."""

    number: int
    changes: Annotated[tuple[SetInput, ...], Field(min_length=1)]


class CellResult(Frozen):
    """What has become of a cell."""

    number: int
    inputs: dict[str, Value]
    state: Literal["made", "failed"]
    seconds: float = 0.0
    """Of execution, without waiting and without the start of a container."""
    usd: float = 0.0
    """Of those seconds."""
    seed: int | None = None
    """As the app reports it."""
    score: float | None = None
    """0 to 10; `None` where it was not measured."""
    flaw: str | None = None
    """Of what was made, the measure that is on the wrong side of its limit."""
    reason: str | None = None
    """Why it failed, in the app's words: escaped wherever it is shown."""


class Recommendation(Frozen):
    """The cell to take."""

    number: int
    reason: str


class Variations(Frozen):
    """A grid as far as it has come: what people are told of it, and what `variations.json` is made from."""

    grid: Grid
    estimate: Estimate | None = None
    at_once: int = 1
    """Calls that are under way at the same time."""
    cells: tuple[CellResult, ...] = ()
    """Those that have ended, by number."""
    recommendation: Recommendation | None = None
    simulated: bool = False
    """Whether no ComfyUI had a part in it."""
    sheet: str | None = None
    """How Markdown on the forge refers to the contact sheet, once it is there."""
    stopped: str | None = None
    """Why the rest was not made."""
    kept: int = 0
    """Cells that an earlier run has made, and paid for."""
    anew: str | None = None
    """Why those of the earlier run were not kept."""

    @property
    def made(self) -> tuple[CellResult, ...]:
        """The cells that can be looked at."""
        return tuple(cell for cell in self.cells if cell.state == "made")

    @property
    def missing(self) -> int:
        """Cells that have not been tried."""
        return self.grid.size - len(self.cells)
