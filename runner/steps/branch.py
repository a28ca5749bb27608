"""Open a worktree on the run's branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.runtime_upgrade import Upgrade, upgrade_from
from codegen.vendored import runtime_version
from runner.errors import RuntimeTooNew
from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


RUNTIME_DIR = "apps/modal/shared"


class Branch(Frozen):
    """Where the commits go, and what was there before the run wrote anything."""

    name: str
    commit: str
    """Where the run starts from."""
    updates: bool
    """Whether the app is there already."""
    runtime: Upgrade
    """What is to be done with `apps/modal/shared`."""


def branch(run: RunContext) -> Branch:
    """Fetch, then find or make the worktree.

    Raises:
        RuntimeTooNew: the repository has a newer runtime than this Flowberth brings.
    """
    run.mirror.fetch()
    production = run.request.kind == "production"
    run.tell(f"commit {run.request.commit}" if production else f"{run.branch} from {run.request.base}")
    runtime = upgrade_from(run.worktree.read(f"{RUNTIME_DIR}/VERSION"))
    if runtime.kind == "newer" and not production:
        raise RuntimeTooNew(
            f"{RUNTIME_DIR} is of version {runtime.there}, and this Flowberth brings {runtime_version()}; "
            "upgrade Flowberth"
        )
    return Branch(
        name=run.branch,
        commit=run.worktree.head(),
        updates=run.worktree.exists(f"{run.app_dir}/app.lock.json"),
        runtime=runtime,
    )
