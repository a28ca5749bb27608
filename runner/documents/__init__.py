"""What is written about a tested app: its report, README and sample, and the pull request.

Pure: the same plan, report and sample give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.readme import Measured, readme
from runner.documents import risks
from runner.documents.parts import REFERENCE
from runner.documents.pull_request import draft_pull_request, pull_request
from runner.documents.report_file import REPORT, dumped
from runner.documents.spending import brought_up_to_date

if TYPE_CHECKING:
    from codegen.plan import Plan
    from runner.model import Attempt, Report, Sample


__all__ = ["REFERENCE", "brought_up_to_date", "draft_pull_request", "files", "pull_request", "with_review"]


def with_review(report: Report, plan: Plan, attempts: tuple[Attempt, ...] = ()) -> Report:
    """The report with what else the pull request says: licences and risks, findings, and how the run came here."""
    return report.model_copy(update={"pins": risks.reviewed(plan), "findings": plan.findings, "attempts": attempts})


def files(plan: Plan, report: Report, sample: Sample | None, reference: bytes | None = None) -> dict[str, bytes]:
    """Path in the repository → content; `reference`: the picture that the result should look like."""
    app = f"apps/modal/{plan.name}"
    measured = Measured(
        cold_start_seconds=report.cold_start_seconds,
        warm_seconds=report.warm_seconds,
        usd_per_call=report.cost.usd,
        engine=report.engine,
        sample=sample.picture_file if sample else None,
    )
    written = {
        f"{app}/{REPORT}": dumped(report),
        f"{app}/README.md": readme(plan.lock, plan.interface, measured),
    }
    if sample is not None:
        written[f"{app}/{sample.file}"] = sample.data
        if sample.preview is not None and sample.picture_file is not None:
            written[f"{app}/{sample.picture_file}"] = sample.preview
        if reference is not None and sample.picture_file is not None:  # else it stands beside nothing
            written[f"{app}/{REFERENCE}"] = reference
    return written
