"""One line: whether it works, and what a call takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.documents import words
from runner.documents.markdown import Markdown, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.model import Finding
    from runner.model import Report

NAMED = 3
"""Tests that failed, in the line."""


def verdict(report: Report, open_questions: Sequence[Finding]) -> Markdown:
    """Begins with a mark: ✓ to be reviewed, ○ simulated, ✗ not ready."""
    failed = [test.name for test in report.tests if not test.passed]
    low = [quality.output for quality in report.quality if not quality.passed]
    asked = any(finding.severity == "error" for finding in open_questions)
    engine = "the stand-in for ComfyUI" if report.simulated else words.engine(report)
    tested = f"{words.outcome(report)} on {engine}"
    if not report.tests:
        mark, said = "✗", "**Not ready: nothing was tested.**"
    elif failed:
        names = ", ".join(map(plain, failed[:NAMED])) + (" and more" if len(failed) > NAMED else "")
        counted = f"{len(failed)} of {len(report.tests)} tests failed on {engine}"
        mark, said = "✗", f"**Not ready: {plain(counted)}:** {names}."
    elif low:
        mark, said = (
            "✗",
            f"**Not ready: the quality of {', '.join(map(plain, low[:NAMED]))} is too low**; {plain(tested)}.",
        )
    elif asked:
        mark, said = "✗", f"**Not ready: an answer is needed.** {plain(tested)}."
    elif report.simulated:
        mark, said = "○", f"**Simulated: {plain(tested)}.**"
    else:
        mark, said = "✓", f"**Ready for review: {plain(tested)}.**"
    return Markdown(f"{mark} {said}{_takes(report)}")


def _takes(report: Report) -> str:
    if report.warm_seconds is None:
        return ""
    cost = f"{words.money(report.cost.usd)} ({report.cost.basis})"
    calls = f"A call takes {report.warm_seconds:.2f} s and costs {cost}"
    return f" {plain(f'{calls}; the first, which wakes it up, {report.cold_start_seconds:.1f} s more.')}"
