"""From a run's row to the run as it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from github_app.telling.view import RunView
from runner.model import RunProgress, steps_of
from runner.variations.model import Variations

if TYPE_CHECKING:
    from codegen.model import Question
    from github_app.telling.view import ShownState
    from runner.budget.model import RunMoney
    from runner.model import RunRequest
    from runner.records import RunRecord

_SUPERSEDED = re.compile(r"superseded by (run_\w+)")


def view_of(
    record: RunRecord,
    request: RunRequest,
    *,
    queued_ahead: int = 0,
    superseded_by: int | None = None,
    check_url: str | None = None,
    lock: str | None = None,
    target: str = "local",
    money: RunMoney | None = None,
) -> RunView:
    """What there is to show now."""
    progress, result = record.progress, record.result
    findings = result.findings if result and result.findings else progress.findings
    questions = _questions(progress)
    origin = request.origin
    return RunView(
        id=record.id,
        number=record.number,
        kind=record.kind,
        environment=record.environment,
        name=record.name,
        title=progress.title,
        filename=record.filename,
        state=_state(record, questions),
        steps=progress.steps,
        planned=steps_of(record.kind, drafts=True),
        target=target,
        attempt=progress.attempt,
        attempts=progress.attempts,
        spent_usd=progress.spent_usd,
        money=money,
        budget_usd=request.budget_usd,
        commit=(result.commit if result else None) or progress.commit or request.commit,
        pull=(result.pr if result else None) or progress.pull,
        check_url=check_url,
        endpoint=result.endpoint if result else progress.endpoint,
        variations=_variations(progress, request),
        engine=result.engine if result else "comfyui",
        tests=result.tests if result else (),
        cost=result.cost if result else None,
        reason=record.reason,
        questions=questions,
        findings=findings,
        lock=lock,
        requester=origin.sender if origin else None,
        queued_ahead=queued_ahead,
        put_away_until=record.not_before if not record.finished else None,
        superseded_by=superseded_by,
        created_at=record.created_at,
        finished_at=record.updated_at if record.finished else None,
    )


def _variations(progress: RunProgress, request: RunRequest) -> Variations | None:
    """As far as they have come; before the run begins, what was asked for."""
    asked = request.vary
    if asked is None:
        return None
    return progress.variations or Variations(grid=asked.grid, estimate=asked.estimate)


def state_of(record: RunRecord) -> ShownState:
    """How it stands, as people are told."""
    return _state(record, _questions(record.progress))


def superseding(record: RunRecord) -> str | None:
    """The id of the run that took this one's place."""
    found = _SUPERSEDED.search(record.reason or "")
    return found[1] if found and record.state == "cancelled" else None


def _questions(progress: RunProgress) -> tuple[Question, ...]:
    return tuple(question for finding in progress.findings for question in finding.questions)


def _state(record: RunRecord, questions: tuple[Question, ...]) -> ShownState:
    match record.state:
        case "succeeded":
            return "ready"
        case "failed":
            return "needs-input" if questions else "failed"
        case "cancelled":
            return "superseded" if superseding(record) else "cancelled"
        case state:
            return state
