"""Write the app and commit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import Finding
from codegen.render import about_kept, app_files, kept_by_hand
from codegen.vendored import runtime_files, runtime_version
from runner.documents.markdown import line
from runner.model import Frozen
from runner.steps.branch import RUNTIME_DIR

if TYPE_CHECKING:
    from codegen.runtime_upgrade import Upgrade
    from runner.context import RunContext
    from runner.steps.branch import Branch

MAX_SUBJECT = 100
"""Characters of a commit's first line; more than that is cut wherever commits are listed."""


class Rendered(Frozen):
    """What was committed."""

    commit: str
    """Head of the branch afterwards."""
    kept: Finding | None
    """Said of an `app.py` that a person has edited, and that was left as it is."""


def _about(runtime: Upgrade) -> str:
    """The commit message; of an update with what has changed, for all apps of the repository share it."""
    if runtime.kind == "add":
        return f"Vendor the Flowberth runtime {runtime_version()}"
    since = f" from {runtime.there}" if runtime.there else ""
    subject = f"Update the Flowberth runtime{since} to {runtime_version()}"
    return f"{subject}\n\nAll apps of this repository share it.\n\n{runtime.summary}".rstrip()


def _of_repair(run: RunContext, because: str) -> str:
    """The reason may quote a log: it gets no line that could be read as a trailer."""
    words = line(because)
    subject = f"Repair {run.name}: {words}"
    return subject if len(subject) <= MAX_SUBJECT else f"Repair {run.name}\n\n{words}"


def render(run: RunContext, branch: Branch, *, because: str | None = None) -> Rendered:
    """Two commits at most: the runtime if the repository lacks it or has an older one, and the app. None twice.

    `because`: what a repair has changed in the lock.
    """
    worktree = run.worktree
    if branch.runtime.kind in {"add", "update"}:
        worktree.replace_folder(RUNTIME_DIR, {f"apps/modal/{path}": data for path, data in runtime_files().items()})
        worktree.commit(_about(branch.runtime), run.trailers)
        run.tell(f"vendored the runtime {runtime_version()}")
    verb = "Update" if branch.updates else "Add"
    files = app_files(run.plan)
    committed = worktree.read(f"{run.app_dir}/app.py")
    kept = about_kept(committed, files) if committed and kept_by_hand(committed, files["app.py"]) else None
    if kept is not None:
        del files["app.py"]
        run.tell("app.py was edited by hand, and stays as it is")
    worktree.write({f"{run.app_dir}/{path}": data for path, data in files.items()})
    run.tell(f"{len(files)} files in {run.app_dir}")
    worktree.commit(f"{verb} {run.name}: generated app" if because is None else _of_repair(run, because), run.trailers)
    return Rendered(commit=worktree.head(), kept=kept)
