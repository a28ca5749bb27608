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


def finish(run: RunContext, *, keep: str | None) -> Finished:
    """Stop the app, or leave it serving at `keep`; remove the worktree."""
    if keep is None:
        run.services.target.stop(run.run_id)
        run.services.progress.detail(run.run_id, run.step, "stopped the app")
    else:
        run.services.target.keep(run.spec)
        run.services.progress.detail(run.run_id, run.step, f"left the app serving at {keep}")
    run.remove_worktree()
    return Finished(endpoint=keep)
