"""Open a worktree on the run's branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


RUNTIME_DIR = "apps/modal/shared"


class Branch(Frozen):
    """Where the commits go, and what was there before the run wrote anything."""

    name: str
    updates: bool
    """Whether the app is there already."""
    lacks_runtime: bool
    """Whether `apps/modal/shared` has to be vendored."""


def branch(run: RunContext) -> Branch:
    """Fetch, then find or make the worktree."""
    run.mirror.fetch()
    run.tell(f"{run.branch} from {run.request.base}")
    return Branch(
        name=run.branch,
        updates=run.worktree.exists(f"{run.app_dir}/app.lock.json"),
        lacks_runtime=not run.worktree.exists(f"{RUNTIME_DIR}/VERSION"),
    )
