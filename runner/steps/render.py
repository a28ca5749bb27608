"""Write the app and commit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.render import app_files
from codegen.vendored import runtime_files, runtime_version
from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.steps.branch import Branch


class Rendered(Frozen):
    """What was committed."""

    commit: str
    """Head of the branch afterwards."""


def render(run: RunContext, branch: Branch) -> Rendered:
    """Two commits at most: the runtime if the repository lacks it, and the app. Neither is made twice."""
    worktree = run.worktree
    if branch.lacks_runtime:
        worktree.write({f"apps/modal/{path}": data for path, data in runtime_files().items()})
        worktree.commit(f"Vendor the Flowberth runtime {runtime_version()}", run.trailers)
        run.tell(f"vendored the runtime {runtime_version()}")
    verb = "Update" if branch.updates else "Add"
    files = app_files(run.plan)
    worktree.write({f"{run.app_dir}/{path}": data for path, data in files.items()})
    run.tell(f"{len(files)} files in {run.app_dir}")
    worktree.commit(f"{verb} {run.name}: generated app", run.trailers)
    return Rendered(commit=worktree.head())
