"""Call the deployed app with every cell of a grid."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import ConfigDict

from runner.errors import EndpointUnreachable
from runner.model import Frozen, RunId
from runner.paying import hold, paid
from runner.stepping import results_of
from runner.steps.deploy import Deployed
from runner.variations.asking import REPORT, at_once
from runner.variations.errors import BadVariation
from runner.variations.estimate import estimate_of
from runner.variations.files import is_of_variations
from runner.variations.grid import check_grid
from runner.variations.keeping import Kept, MadeOf, kept_of, made_of
from runner.variations.making import Made, Making
from runner.variations.model import Estimate, Grid, Variations
from runner.variations.words import expected_words
from worktrees.errors import UnusableBase

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.steps.branch import Branch
    from runner.variations.calling import Called
    from runner.variations.model import Cell


class Begun(Frozen):
    """What is to be made, of what is on the branch now."""

    grid: Grid
    estimate: Estimate | None
    at_once: int
    at: datetime
    made_of: MadeOf | None = None
    """`None`: an older Flowberth has begun it."""
    kept: tuple[Made, ...] = ()
    """Cells that an earlier run has made."""
    anew: str | None = None
    """Why there are none, where some were wanted."""
    simulated: bool | None = None
    """Whether those kept were; `None`: the deployment will tell."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    @property
    def known(self) -> Variations:
        """Before the first call."""
        return Variations(
            grid=self.grid,
            estimate=self.estimate,
            at_once=self.at_once,
            cells=tuple(made.result for made in self.kept),
            kept=len(self.kept),
            anew=self.anew,
        )


def begin(run: RunContext, start: Branch) -> Begun:
    """Hold the grid against what is committed, and tell what it will take, before anything is spent.

    Raises:
        BadVariation: the branch has moved, or its app does not take these values any more.
        OverBudget: what it needs does not fit below the limits.
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
    now = made_of(
        lambda file: run.worktree.read(f"{run.app_dir}/{file}"),
        target=run.services.target.name,
        engine=run.request.engine.model_dump_json(),
    )
    kept = _kept(run, now)
    estimate = estimate_of(
        grid,
        plan.interface,
        run.worktree.read(f"{run.app_dir}/{REPORT}"),
        usd_per_second=plan.lock.hardware.usd_per_second,
        at_once=at_once(plan.lock, grid),
        min_containers=plan.lock.scaling.min_containers,
        kept=[made.result.number for made in kept.cells],
    )
    begun = Begun(
        grid=grid,
        estimate=estimate,
        at_once=at_once(plan.lock, grid),
        at=run.services.clock(),
        made_of=now,
        kept=kept.cells,
        anew=kept.anew,
        simulated=kept.simulated,
    )
    run.tell(expected_words(begun.known, costs=run.services.target.costs))
    left = grid.size - len(begun.kept)
    hold(run, left, estimate, at_once=min(begun.at_once, left))
    return begun


def _kept(run: RunContext, now: MadeOf) -> Kept:
    """What is there already, where the run tries an earlier one again."""
    assert run.request.vary is not None
    again = run.request.vary.again
    if again is None:
        return Kept()
    kept = kept_of(again, results_of(RunId(again), "vary"), run.request.vary.grid, now)
    deployed = [Deployed.model_validate(each).deployment for each in results_of(RunId(again), "deploy")]
    if not deployed or deployed[-1] is None:
        return kept
    return kept._replace(simulated=deployed[-1].engine != "comfyui")


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
