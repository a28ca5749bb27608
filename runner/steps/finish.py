"""Leave nothing behind but what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


class Finished(Frozen):
    """What is left."""

    endpoint: str | None
    """Where the app goes on serving."""


def finish(run: RunContext, *, keep: bool) -> Finished:
    """Stop the app, or leave it serving; remove the worktree.

    Raises:
        DeployFailed: the app was to be left serving, had died with an earlier process, and did not come up again.
    """
    endpoint = None
    try:
        if keep:
            endpoint = run.services.target.keep(run.spec).url
            run.progress.detail(run.run_id, run.step, f"left the app serving at {endpoint}")
        else:
            run.services.target.stop(run.run_id)
            if run.services.ledger is not None:
                run.services.ledger.settle_stopped(run.run_id)
            run.progress.detail(run.run_id, run.step, "stopped the app")
    finally:
        run.remove_worktree()
    return Finished(endpoint=endpoint)
