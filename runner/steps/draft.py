"""Show the first commits as a draft, so that people can follow what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import documents
from runner.forecast import forecast_of
from runner.model import Frozen, PullRequestRef

if TYPE_CHECKING:
    from runner.context import RunContext


class Drafted(Frozen):
    """What there is to look at."""

    commit: str
    """Head of the branch on the forge."""
    pull: PullRequestRef | None


def draft(run: RunContext) -> Drafted:
    """Push what was rendered, and find or make the pull request."""
    forge = run.services.forge(run.request.repo)
    commit = forge.publish(run.worktree)
    run.tell(f"pushed {run.branch}")
    title, body = documents.draft_pull_request(
        run.plan, run_id=run.run_id, closes=run.request.closes, forecast=forecast_of(run)
    )
    pull = forge.draft(head=run.branch, base=run.request.base, title=title, body=body)
    ref = PullRequestRef(number=pull.number, title=pull.title, url=pull.url) if pull else None
    run.note(commit=commit, pull=ref)
    return Drafted(commit=commit, pull=ref)
