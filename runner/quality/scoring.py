"""From a number to a score of 0 to 10, and from the scores of an output to one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.model import Measure, OutputQuality

if TYPE_CHECKING:
    from collections.abc import Iterable

BEST: Final = 10.0
WEIGHT_OF_WORST: Final = 0.7
"""Of the worst measure in an output's score; the mean of all has the rest. One fault spoils a picture, however good it
is otherwise."""


class Scale(NamedTuple):
    """A line from what is certainly bad to what is certainly fine; `bad` may be the larger of the two."""

    bad: float
    """Score 0, and so is everything beyond."""
    good: float
    """Score 10, and so is everything beyond."""

    def score(self, value: float) -> float:
        """Of a value; of none that is a number, 0."""
        if not math.isfinite(value):
            return 0.0
        part = (value - self.bad) / (self.good - self.bad)
        return round(BEST * min(1.0, max(0.0, part)), 2)


class Measured(NamedTuple):
    """A measure before anybody has said what is good enough."""

    name: str
    value: float
    score: float
    unit: str = ""
    detail: str = ""
    counts: bool = True
    """Whether it is part of the score, and may fail; otherwise it is told only."""


def on_scale(
    name: str, value: float, scale: Scale, *, unit: str = "", detail: str = "", counts: bool = True
) -> Measured:
    """A measure whose score is a line."""
    return Measured(name, value, scale.score(value), unit, detail, counts)


def told(name: str, value: float, *, unit: str = "", detail: str = "", score: float = BEST) -> Measured:
    """A measure that is for people to read, and decides nothing."""
    return Measured(name, value, score, unit, detail, counts=False)


def overall(measures: Iterable[Measured]) -> float:
    """0 to 10: `WEIGHT_OF_WORST` × the lowest score + the rest × their mean; without any, 10."""
    scores = [each.score for each in measures if each.counts]
    if not scores:
        return BEST
    return round(WEIGHT_OF_WORST * min(scores) + (1 - WEIGHT_OF_WORST) * sum(scores) / len(scores), 2)


def judged(output: str, kind: str, measures: tuple[Measured, ...], minimum: float) -> OutputQuality:
    """What passes, and what does not."""
    return OutputQuality(
        output=output,
        kind=kind,
        score=overall(measures),
        measures=tuple(
            Measure(
                name=each.name,
                value=round(each.value, 4) if math.isfinite(each.value) else 0.0,
                unit=each.unit,
                score=each.score,
                passed=not each.counts or each.score >= minimum,
                limit=(minimum or None) if each.counts else None,
                detail=each.detail,
            )
            for each in measures
        ),
    )
