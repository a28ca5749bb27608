"""One line: whether it works, and what a call takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.documents import words
from runner.documents.markdown import Markdown, plain
from runner.model import CONFLICT, QUALITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.model import Finding
    from runner.model import Report

NAMED = 3
"""Tests that failed, in the line."""


def verdict(report: Report, findings: Sequence[Finding]) -> Markdown:
    """Begins with a mark: ✓ to be reviewed, ○ simulated, ✗ not ready: what people see beside it says the same."""
    failed = [test.name for test in report.tests if not test.passed]
    asked = sum(bool(finding.questions) for finding in findings)
    engine = "the stand-in for ComfyUI" if report.simulated else words.engine(report)
    tested = f"{words.outcome(report)} on {engine}"
    if not report.tests:
        mark, said = "✗", "**Not ready: nothing was tested.**"
    elif failed == [QUALITY]:
        mark, said = (
            "✗",
            f"**Not ready: the quality of {_low(report)} is too low**; all other tests passed on {plain(engine)}.",
        )
    elif failed:
        names = ", ".join(map(plain, failed[:NAMED])) + (" and more" if len(failed) > NAMED else "")
        counted = f"{len(failed)} of {len(report.tests)} tests failed on {engine}"
        mark, said = "✗", f"**Not ready: {plain(counted)}:** {names}."
    elif any(finding.code == CONFLICT for finding in findings):
        mark, said = "✗", f"**Not ready: it conflicts with the base branch.** {plain(tested)}."
    else:
        mark, word = ("○", "Simulated") if report.simulated else ("✓", "Ready for review")
        questions = f"; {asked} question{'s are' if asked > 1 else ' is'} open" if asked else ""
        said = f"**{word}: {plain(tested)}{questions}.**"
    return Markdown(f"{mark} {said}{_takes(report)}")


def _low(report: Report) -> str:
    """Such as `image (sharpness, noise)`."""
    low = [quality for quality in report.quality if not quality.passed]
    names = [
        f"{plain(one.output)} ({', '.join(plain(measure.name) for measure in one.measures if not measure.passed)})"
        for one in low[:NAMED]
    ]
    return ", ".join(names) or "an output"


def _takes(report: Report) -> str:
    if report.warm_seconds is None:
        return ""
    cost = f"{words.money(report.cost.usd)} ({report.cost.basis})"
    calls = f"A call takes {report.warm_seconds:.2f} s and costs {cost}"
    return f" {plain(f'{calls}; the first, which wakes it up, {report.cold_start_seconds:.1f} s more.')}"
