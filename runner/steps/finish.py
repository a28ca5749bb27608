"""Leave nothing deployed but what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


class Finished(Frozen):
    """What is left."""

    endpoint: str | None
    """Where the app goes on serving."""


def finish(run: RunContext, *, keep: bool) -> Finished:
    """Stop the app, or leave it serving; what cannot be left serving is stopped, too.

    Raises:
        DeployFailed: the app was to be left serving, had to be deployed once more, and did not come up.
        RunCancelled: the run was cancelled while that went on.
    """
    if not keep:
        _stop(run)
        run.progress.detail(run.run_id, run.step, "stopped the app")
        return Finished(endpoint=None)
    try:
        endpoint = run.services.target.keep(run.spec, tell=run.tell).url
    except RunnerError as error:
        if not error.retryable:
            _stop(run)
        raise
    run.progress.detail(run.run_id, run.step, f"left the app serving at {endpoint}")
    return Finished(endpoint=endpoint)


def _stop(run: RunContext) -> None:
    run.services.target.stop(run.run_id)
    if run.services.ledger is not None:
        run.services.ledger.settle_stopped(run.run_id)
