"""Call the deployed app with every cell of a grid."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from runner.errors import EndpointUnreachable
from runner.model import Frozen
from runner.paying import paid
from runner.variations.asking import REPORT, at_once
from runner.variations.errors import BadVariation
from runner.variations.estimate import estimate_of
from runner.variations.files import is_of_variations
from runner.variations.grid import check_grid
from runner.variations.making import Making
from runner.variations.model import Estimate, Grid
from runner.variations.words import estimate_words, grid_words
from worktrees.errors import UnusableBase

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.steps.branch import Branch
    from runner.variations.calling import Called
    from runner.variations.making import Made
    from runner.variations.model import Cell


class Begun(Frozen):
    """What is to be made, of what is on the branch now."""

    grid: Grid
    estimate: Estimate | None
    at_once: int
    at: datetime


def begin(run: RunContext, start: Branch) -> Begun:
    """Hold the grid against what is committed, and tell what it will take, before anything is spent.

    Raises:
        BadVariation: the branch has moved, or its app does not take these values any more.
    """
    assert run.request.vary is not None
    asked = run.request.commit
    if asked is not None and not _is_what_was_asked_for(run, asked, start.commit):
        raise BadVariation(
            f"{run.branch} has moved since: it was at {asked:.10} when this was asked for, and is at "
            f"{start.commit:.10} now; comment `/vary` again to vary what is there"
        )
    grid, plan = run.request.vary.grid, run.plan
    check_grid(grid, plan.interface)
    estimate = estimate_of(
        grid,
        plan.interface,
        run.worktree.read(f"{run.app_dir}/{REPORT}"),
        usd_per_second=plan.lock.hardware.usd_per_second,
        at_once=at_once(plan.lock, grid),
        min_containers=plan.lock.scaling.min_containers,
    )
    run.tell(f"{grid_words(grid)}, {estimate_words(estimate, costs=run.services.target.costs)}")
    return Begun(grid=grid, estimate=estimate, at_once=at_once(plan.lock, grid), at=run.services.clock())


def _is_what_was_asked_for(run: RunContext, asked: str, there: str) -> bool:
    """Whether nothing was pushed since but variations, such as those that the run had made that is tried again."""
    if asked == there:
        return True
    try:
        return all(is_of_variations(run.app_dir, path) for path in run.mirror.changed(asked, there))
    except UnusableBase:  # somebody has taken it off the branch
        return False


class Calls:
    """The calls that are still to be made. The app is looked for when the first of them is: a run may have them all."""

    def __init__(self, run: RunContext, begun: Begun) -> None:
        self._run = run
        self._begun = begun
        self._making: Making | None = None
        self._app: Called | None = None
        self._at_once = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._making is not None:
            self._making.__exit__()
        self._leave()

    def next(self, ended: frozenset[int]) -> Made:
        """The next cell that ends; `ended` are those on record.

        Raises:
            OverBudget: there is no money for another one.
            RunCancelled: the run is to end.
            DeployFailed: the app died, and did not come up again.
        """
        if self._making is None:
            self._find()
            cells = [cell for cell in self._begun.grid.cells if cell.number not in ended]
            self._at_once = min(self._begun.at_once, len(cells))
            self._making = Making(cells, self._call, at_once=self._at_once, revive=self._find)
        return self._making.next()

    def _find(self) -> None:
        """Find the deployment, or make it again if it died."""
        from runner.endpoint_tests.endpoint import Endpoint  # noqa: PLC0415 - decoders: as in `runner.steps.test`
        from runner.endpoint_tests.quality import Wanted  # noqa: PLC0415
        from runner.variations.calling import Called  # noqa: PLC0415

        run = self._run
        run.cancellation.check()
        deployment = run.services.target.ensure(run.spec, tell=run.tell)
        self._leave()
        headers = run.services.target.headers(run.spec)
        plan, request = run.plan, run.request
        timeouts = plan.lock.timeouts
        self._app = Called(
            endpoint=Endpoint(deployment.url, lambda _: run.cancellation.check(), headers),
            interface=plan.interface,
            wanted=Wanted(prompt=plan.prompt, rules=request.quality, reference=request.reference),
            within=timeouts.startup_seconds + timeouts.execution_seconds,
        )

    def _leave(self) -> None:
        if self._app is not None:
            self._app.endpoint.__exit__()
            self._app = None

    def _call(self, cell: Cell) -> Made:
        """In a thread of its own. What is stopped under its feet fails in any way; why it was stopped is the cause."""
        from runner.endpoint_tests.errors import MayGoOn  # noqa: PLC0415
        from runner.variations.calling import call_cell, failed_call  # noqa: PLC0415

        run, app = self._run, self._app
        assert app is not None
        run.cancellation.check()
        with paid(run, "vary", f"vary-{cell.number}", at_once=self._at_once) as goes_on:
            try:
                made = call_cell(app, cell, key=f"{run.run_id}-{cell.number}")
            except EndpointUnreachable:
                run.cancellation.check()
                raise
            except MayGoOn as error:
                run.cancellation.check()
                goes_on()
                made = failed_call(cell, error)
        if made.result.state == "failed":
            run.cancellation.check()
        return made
