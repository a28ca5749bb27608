"""A run of the kind `vary`: what is committed on a branch, deployed as it is, and called with every cell of a grid.

Each cell that ends is on record by itself, so a run that was killed goes on with those that are missing. What there is
when the money or the patience of the app ends is put on the sheet all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.stepping import EndedOverBudget, StepFailed
from runner.steps.analyse import Analysis, analyse
from runner.steps.branch import Branch, branch
from runner.steps.collect import Collected, collect
from runner.steps.deploy import Deployed, deploy
from runner.steps.vary import Begun, Calls, begin
from runner.variations.adopting import adopted
from runner.variations.choosing import recommend
from runner.variations.errors import BadVariation
from runner.variations.making import Made

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.model import RunState
    from runner.run import Trail
    from runner.stepping import Steps
    from runner.variations.model import CellResult, Variations


def to_variations(run: RunContext, steps: Steps, trail: Trail) -> tuple[RunState, str | None]:
    """All steps but the last; how the run ends, and why if not well.

    Raises:
        RunCancelled, EndedOverBudget, StepFailed: it ends before there is anything to show.
    """
    trail.analysis = steps.do("analyse", lambda: analyse(run), Analysis)
    run.note(title=trail.analysis.title)
    start = trail.branch = steps.do("branch", lambda: branch(run), Branch)
    run.go_on_from(start.commit)
    # Before the deployment: it says what all of this will take.
    begun = steps.do("vary", lambda: begin(run, start), Begun)
    known = trail.variations = begun.known
    run.note(variations=known)
    simulated = begun.simulated
    if known.missing or simulated is None:
        deployed = trail.deployed = steps.do("deploy", lambda: deploy(run), Deployed)
        if deployed.deployment is None:
            assert deployed.failure is not None
            raise StepFailed(f"deploy: {deployed.failure.words}; /deploy finds out why, and repairs it if it can")
        simulated = deployed.deployment.engine != "comfyui"
    pictures = _made(run, steps, trail, begun, known.model_copy(update={"simulated": simulated}))
    known = trail.variations
    stopped = known.stopped
    if known.made:
        trail.collected = steps.do(
            "document", lambda: collect(run, begun, start, known, pictures), Collected, always=stopped is not None
        )
        trail.variations = trail.collected.variations
    if stopped is not None:
        return "over-budget", stopped
    if not known.made:
        return "failed", f"vary: none of the {known.grid.size} variations could be made: {known.cells[0].reason}"
    return "succeeded", None


def _made(run: RunContext, steps: Steps, trail: Trail, begun: Begun, known: Variations) -> dict[int, bytes]:
    """Every cell, or as many as can be paid for: the results are noted, the pictures given back."""
    pictures = {made.result.number: made.picture for made in begun.kept if made.picture is not None}
    known = trail.variations = known.model_copy(update={"recommendation": recommend(known.cells)})
    with Calls(run, begun) as calls, steps.under_way("vary"):
        while known.missing and known.stopped is None:
            ended = frozenset(cell.number for cell in known.cells)
            try:
                made = steps.part("vary", lambda ended=ended: calls.next(ended), Made)
            except EndedOverBudget as error:
                known = known.model_copy(update={"stopped": str(error)})
            else:
                known = known.model_copy(update={"cells": _in_order((*known.cells, made.result))})
                pictures |= {made.result.number: made.picture} if made.picture is not None else {}
                run.progress.detail(run.run_id, "vary", f"{len(known.cells)} of {known.grid.size}")
            known = trail.variations = known.model_copy(update={"recommendation": recommend(known.cells)})
            run.note(variations=known)
    trail.variations = known
    return pictures


def _in_order(cells: tuple[CellResult, ...]) -> tuple[CellResult, ...]:
    return tuple(sorted(cells, key=lambda cell: cell.number))


def adopt_variation(run: RunContext) -> None:
    """Make the values of a variation the defaults, on top of what is committed, if the run was asked to.

    Raises:
        StepFailed: the lock cannot have them any more; says why.
    """
    if run.request.adopt is None:
        return
    try:
        run.change(adopted(run.plan.lock, run.request.adopt, run.plan.prompt))
    except BadVariation as error:
        raise StepFailed(f"render: {error}") from None
