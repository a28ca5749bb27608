"""Open a worktree on the run's branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from codegen.model import Finding
from codegen.runtime_upgrade import Upgrade, upgrade_from
from codegen.vendored import runtime_version
from runner.errors import RuntimeTooNew
from runner.knowledge.definitions import learned_definitions
from runner.knowledge.fixes import Foreseen, foreseen, learned_fixes
from runner.knowledge.library import library_in
from runner.model import CONFLICT, Frozen
from worktrees.merge import Conflicts, Merged

if TYPE_CHECKING:
    from runner.context import RunContext


RUNTIME_DIR = "apps/modal/shared"
MAX_PATHS = 10
"""Of those in conflict, named to people."""


class Branch(Frozen):
    """Where the commits go, and what was there before the run wrote anything."""

    name: str
    commit: str
    """Where the run starts from."""
    updates: bool
    """Whether the app is there already."""
    runtime: Upgrade
    """What is to be done with `apps/modal/shared`."""
    conflict: Finding | None = None
    """With what came into the base meanwhile; for people to resolve."""
    definitions: dict[str, JsonValue] = Field(default_factory=dict)
    """Of classes of packs, as earlier runs have learned them."""
    foreseen: tuple[Foreseen, ...] = ()
    """Fixes that the packs are known to need."""
    learned: tuple[Finding, ...] = ()
    """About entries of the knowledge base."""


def branch(run: RunContext) -> Branch:
    """Fetch, then find or make the worktree.

    Raises:
        RuntimeTooNew: the repository has a newer runtime than this Flowberth brings.
    """
    production = run.request.kind == "production"
    as_it_is = production or run.request.kind == "vary"
    run.tell(f"commit {run.request.commit}" if production else f"{run.branch} from {run.request.base}")
    conflict = None if as_it_is else _catch_up(run)
    runtime = upgrade_from(run.worktree.read(f"{RUNTIME_DIR}/VERSION"))
    if runtime.kind == "newer" and not as_it_is:
        raise RuntimeTooNew(
            f"{RUNTIME_DIR} is of version {runtime.there}, and this Flowberth brings {runtime_version()}; "
            "upgrade Flowberth"
        )
    known = _Known() if as_it_is else _known(run)
    return Branch(
        name=run.branch,
        commit=run.worktree.head(),
        updates=run.worktree.exists(f"{run.app_dir}/app.lock.json"),
        runtime=runtime,
        conflict=conflict,
        definitions=known.definitions,
        foreseen=known.foreseen,
        learned=known.learned,
    )


class _Known(Frozen):
    definitions: dict[str, JsonValue] = Field(default_factory=dict)
    foreseen: tuple[Foreseen, ...] = ()
    learned: tuple[Finding, ...] = ()


def _known(run: RunContext) -> _Known:
    """What the repository has learned that the workflow can make use of."""
    packs, library = run.plan.lock.packs, library_in(run.worktree)
    definitions = learned_definitions(run.worktree, packs, run.plan.prompt)
    fixes = learned_fixes(run.worktree) if packs and run.owns_packs and run.request.kind == "propose" else {}
    known = foreseen(fixes, library, run.plan, run.services.clock().date()) if fixes else ()
    return _Known(definitions=definitions, foreseen=known, learned=library.findings)


def _catch_up(run: RunContext) -> Finding | None:
    """Take in what the base has got since the branch left it, so that what is tested is what a merge would give."""
    merged = run.worktree.merge_base()
    if isinstance(merged, Merged):
        run.tell(f"merged what {run.request.base} has got meanwhile")
    if not isinstance(merged, Conflicts):
        return None
    listed = ", ".join(ascii(path)[1:-1] for path in merged.paths[:MAX_PATHS])
    return Finding(
        code=CONFLICT,
        severity="error",
        message=f"{run.branch} and {run.request.base} have both changed {listed or 'the same files'}",
        hint=f"merge {run.request.base} into the branch, resolve it, and push; that deploys and tests it again",
    )
