"""One line that stands by the picture: how like it is to the one that was asked for, and whether that is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.documents.markdown import Markdown, code, plain
from runner.quality.rules import LIKENESS, REFERENCE_PREFIX

if TYPE_CHECKING:
    from runner.model import Measure, OutputQuality, Report


def likeness(report: Report) -> Markdown | None:
    """Begins with a mark: ✓ like enough, ✗ not, ≈ where nobody has said what is; `None` if nothing was compared."""
    for quality in report.quality:
        for measure in quality.measures:
            if measure.name == LIKENESS:
                return _line(quality, measure, alone=len(report.quality) == 1)
    return None


def _line(quality: OutputQuality, whole: Measure, *, alone: bool) -> Markdown:
    views = [
        measure.detail
        for measure in quality.measures
        if measure.name.startswith(REFERENCE_PREFIX) and measure.name != LIKENESS
    ]
    whose = "" if alone else f"{code(quality.output)}: "
    number = f"**{whole.score:.1f} of 10** like the picture that it should look like"
    if whole.limit is None:
        mark, asked = "≈", "told only, as no limit is set"
    elif whole.passed:
        mark, asked = "✓", f"at least {whole.limit:g} is asked for"
    else:
        mark, asked = "✗", f"**not enough: at least {whole.limit:g} is asked for**"
    return Markdown(f"{mark} {whose}{number}; {asked}. Of it: {plain(', '.join(views))}.")
