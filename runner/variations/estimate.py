"""What a grid will take, from what the last test of the app has measured."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING, Any, Final

from codegen.errors import MalformedJson
from codegen.json_values import as_object
from codegen.strict_json import loads
from runner.variations.model import Estimate

if TYPE_CHECKING:
    from collections.abc import Collection

    from codegen.model import JsonObject
    from runner.variations.model import Cell, Grid

LONGEST_SECONDS: Final = 86_400.0
"""Of a call, or a start: nothing on the target goes on for longer. What says more was not written by a test."""
LEAST_DEFAULT: Final = 0.001
"""Nothing that makes a call longer is less, in any unit."""
MOST_SECONDS: Final = 1e8
"""Of a grid; three years. What would be more is an estimate of nothing."""
LENGTHENS: Final = frozenset({"steps", "width", "height", "length", "batch_size", "frames", "duration", "seconds"})
"""Inputs in whose proportion a call takes longer, if their names say what they are."""


def estimate_of(
    grid: Grid,
    interface: JsonObject,
    report: bytes | None,
    *,
    usd_per_second: float,
    at_once: int,
    min_containers: int = 0,
    kept: Collection[int] = (),
) -> Estimate | None:
    """Seconds measured, × the rate, × the cells; `None` where `report.json` is missing or has measured nothing.

    A cell with twice the steps of the tested call is taken for twice as long. Each container has to start once;
    those that the app always has cost as much as the ones that are called. `kept`: cells that are there already.
    """
    measured = _measured(report)
    if measured is None:
        return None
    call, start = measured
    usual = _usual(grid, interface)
    cells = [cell for cell in grid.cells if cell.number not in kept]
    called = min(at_once, len(cells))
    containers = max(min_containers, called) if cells else 0
    calls = sum(call * _weight(cell, usual) for cell in cells)
    seconds = calls * containers / max(called, 1) + start * containers
    if seconds > MOST_SECONDS:
        return None
    return Estimate(
        cells=len(cells),
        call_seconds=call,
        start_seconds=start,
        seconds=round(seconds, 3),
        usd_per_second=usd_per_second,
        usd=round(seconds * usd_per_second, 6),
        scaled_by=tuple(usual),
        idle=containers - called,
    )


def _measured(report: bytes | None) -> tuple[float, float] | None:
    """Seconds of a warm call, and of a start."""
    if report is None:
        return None
    try:
        said = as_object(loads(report))
    except MalformedJson:
        return None
    cost = as_object(said.get("cost"))
    call = _seconds(cost.get("execution_seconds")) or _seconds(said.get("warm_seconds"))
    return (call, _seconds(said.get("cold_start_seconds"))) if call else None


def _seconds(value: Any) -> float:  # noqa: ANN401 - any JSON value
    number = _number(value)
    return number if 0 < number <= LONGEST_SECONDS else 0.0


def _number(value: Any) -> float:  # noqa: ANN401 - any JSON value
    """0 for what is none, or larger than any."""
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
    except OverflowError:
        return 0.0
    return number if isfinite(number) else 0.0


def _usual(grid: Grid, interface: JsonObject) -> dict[str, float]:
    """Of the inputs that make a call longer, those in the grid, with the value that the test had."""
    properties = as_object(interface.get("properties"))
    defaults = {axis.name: _number(as_object(properties.get(axis.name)).get("default")) for axis in grid.axes}
    return {
        name: default
        for name, default in defaults.items()
        if name.rstrip("_0123456789") in LENGTHENS and default >= LEAST_DEFAULT
    }


def _weight(cell: Cell, usual: dict[str, float]) -> float:
    return prod(max(float(cell.inputs[name]), 0.0) / default for name, default in usual.items())
