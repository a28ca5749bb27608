"""Push the branch and open the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import documents
from runner.model import CONFLICT, Frozen, PullRequestRef

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.model import Attempt
    from runner.steps.test import Tested


class Proposed(Frozen):
    """What people review."""

    commit: str
    """Head of the branch on the forge."""
    pull: PullRequestRef


def propose(run: RunContext, tested: Tested, attempts: tuple[Attempt, ...] = ()) -> Proposed:
    """Find or make both; a second time changes nothing."""
    forge = run.services.forge(run.request.repo)
    commit = forge.publish(run.worktree)
    run.tell(f"pushed {run.branch}")
    updates = run.mirror.read(f"refs/remotes/origin/{run.request.base}", f"{run.app_dir}/app.lock.json") is not None
    services = run.services
    money = services.ledger.state(run.run_id) if services.ledger and services.target.costs else None
    title, body = documents.pull_request(
        run.plan,
        tested.report,
        tested.sample,
        forge,
        updates=updates,
        closes=run.request.closes,
        money=money,
        attempts=attempts,
        files_url=forge.files_url(head=run.branch),
        reference=run.request.reference,
    )
    ready = tested.report.passed and not any(finding.code == CONFLICT for finding in run.plan.findings)
    pull = forge.propose(head=run.branch, base=run.request.base, title=title, body=body, ready=ready)
    ref = PullRequestRef(number=pull.number, title=pull.title, url=pull.url)
    run.note(commit=commit, pull=ref)
    return Proposed(commit=commit, pull=ref)
