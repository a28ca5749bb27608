"""How long something is, against what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.quality.scoring import Measured, Scale, on_scale, told

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN: Final = Scale(0.5, 0.1)
"""Difference as a part of what was asked for. Models make lengths that fit their own steps."""


def length(value: float, wanted: float | None, unit: str) -> Iterator[Measured]:
    """Of `unit`, such as `seconds`; told only if nobody knows how long it should be."""
    if wanted is None:
        yield told(unit, value, unit=_short(unit), detail=f"{value:g} {unit}")
        return
    off = abs(value - wanted) / wanted
    yield on_scale(unit, off, WITHIN, detail=f"{value:g} {unit} where {wanted:g} were asked for")._replace(
        value=value, unit=_short(unit)
    )


def _short(unit: str) -> str:
    return {"seconds": "s", "frames per second": "1/s"}.get(unit, "")
