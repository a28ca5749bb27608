"""The whole loop over one injected fault: attempts, diagnosis, patches, rendering, commits and ledger are the real ones.

Stand-ins: a target that fails until the right change is in the lock that it was given, HTTP of a working app in a
thread, no forge, and waits that are noted instead of slept.
"""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from codegen.lock import Lock
from runner.attempts import MOST_ATTEMPTS, Attempts
from runner.budget.errors import OverBudget
from runner.budget.ledger import Ledger
from runner.budget.money import ZERO
from runner.cancellation import Cancellation
from runner.context import RunContext
from runner.durable import RUN_PROTOCOL
from runner.errors import DeployFailed
from runner.lookups.offline import Offline
from runner.progress import Recorded, Silent
from runner.protocols import Deployment, Preflight
from runner.records import RunRecords
from runner.repair import Apply, Ask, Wait
from runner.services import Services
from runner.steps.branch import branch
from runner.steps.diagnose import Diagnosed
from runner.steps.render import Rendered, render
from runner.steps.resolve import resolve
from tests.runner.faults.fault import App
from tests.runner.faults.world import changed_inputs, is_whole, request
from tests.runner.light import AppServer
from worktrees.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal
    from pathlib import Path

    from runner.budget.model import Line
    from runner.database import Database
    from runner.model import Answer, Frozen, RunId, StepName
    from runner.protocols import DeploymentSpec
    from tests.runner.faults.fault import Fault, Symptom

    ResultT = TypeVar("ResultT", bound=Frozen)


@dataclass(frozen=True)
class Ended:
    """What came of a fault."""

    fault: Fault
    passed: bool
    asked: bool
    told: str
    """Why it ended, in the words that people read; empty if it passed."""
    attempts: int
    waited: int
    """Repetitions after a wait."""
    held: Decimal
    """The most that was spent or reserved together at one moment, US dollars."""
    limit: Decimal
    untruthful: bool
    """It passed, and is not what was asked for, or not repaired."""
    overhead: float
    """Seconds of an attempt outside of the target, mean of the run; so is `cpu`."""
    cpu: float
    tried: tuple[str, ...]
    """Signature and kinds of changes of each attempt, for whoever looks into it."""

    @property
    def signatures(self) -> set[str]:
        """That were met."""
        return {each.partition(" ")[0].partition(":")[0] for each in self.tried}

    @property
    def right(self) -> bool:
        """Whether it ended as it has to."""
        end, told = self.fault.end, self.told.lower()
        match end.kind:
            case "repaired":
                asked = self.fault.answer is None or self.asked
                return self.passed and not self.untruthful and asked
            case "asks":
                return self.asked and end.about.lower() in told
            case "stops":
                return not self.passed and end.about.lower() in told

    @property
    def wrong_success(self) -> bool:
        """Whether people are told that it works, and it does not, or is something else."""
        return self.passed and (self.untruthful or self.fault.end.kind != "repaired")

    @property
    def over_budget(self) -> bool:
        """Whether more might have been spent than may be."""
        return self.held > self.limit


class Purse(Silent):
    """Looks at the ledger while something goes on that costs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.most = ZERO

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        if (step, message) == ("test", "generate"):
            self.look(run_id)

    def look(self, run_id: RunId) -> None:
        lines = self._ledger.state(run_id).lines
        self.most = max(self.most, sum(map(_held, lines), ZERO))


class StubbornTarget:
    """Looks at the files that it is given, and fails until they are right."""

    name = "bench"
    costs = True

    def __init__(self, symptoms: tuple[Symptom, ...], purse: Purse) -> None:
        self._symptoms = symptoms
        self._purse = purse
        self._server: AppServer | None = None
        self._served = 0
        self._log = ""
        self.seconds = 0.0
        self.cpu = 0.0

    @contextmanager
    def _own_time(self, run_id: RunId) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            self._purse.look(run_id)
            yield
        finally:
            self.seconds += time.perf_counter() - wall
            self.cpu += time.thread_time() - cpu

    def _shown(self, spec: DeploymentSpec, *stages: str) -> Symptom | None:
        app = read_app(spec.folder, spec.attempt)
        return next((one for one in self._symptoms if one.stage in stages and not one.gone(app)), None)

    def ensure(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = print) -> Deployment:
        with self._own_time(spec.run_id):
            for stage in ("build", "models", "boot"):
                if shown := self._shown(spec, stage):
                    last = shown.text.strip().splitlines()[-1]
                    raise DeployFailed(f"{stage}: {last}", log=shown.text, stage=stage)
            if self._served != spec.attempt or self._server is None:
                self.stop(spec.run_id)
                shown = self._shown(spec, "test")
                self._log = shown.text if shown else ""
                problem = shown.text.strip().splitlines()[-1] if shown else None
                self._server = AppServer(spec.folder, "answers wrong" if shown else "well", "comfyui", problem)
                self._served = spec.attempt
            return Deployment(name=spec.name, url=self._server.url, engine="comfyui", startup_seconds=0.1)

    def preflight(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = print) -> Preflight:
        with self._own_time(spec.run_id):
            app = read_app(spec.folder, spec.attempt)
            if shown := self._shown(spec, "preflight"):
                found = {"log_tail": shown.text, **shown.found}
                return Preflight.model_validate({"passed": False, "engine_version": app.lock.comfyui.version, **found})
            if not is_whole(app):
                return Preflight(passed=False, missing_classes=("SpareSharpen",), log_tail="nodes or models are gone")
            return Preflight(passed=True, engine_version=app.lock.comfyui.version)

    def discard(self, spec: DeploymentSpec, models: Any) -> None:
        pass

    def headers(self, spec: DeploymentSpec) -> dict[str, str]:
        return {}

    def keep(self, spec: DeploymentSpec, *, tell: Any = None) -> Deployment:
        return self.ensure(spec)

    def serves(self, run_id: RunId) -> bool:
        return self._server is not None

    def stop(self, run_id: RunId) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def log(self, run_id: RunId) -> str:
        return self._log

    def close(self) -> None:
        pass


def _held(line: Line) -> Decimal:
    return line.reserved if line.state == "reserved" else line.actual or line.estimated or ZERO


def read_app(folder: Path, attempt: int) -> App:
    """What was rendered."""
    lock = Lock.model_validate_json((folder / "app.lock.json").read_bytes())
    return App(lock, json.loads((folder / "prompt.json").read_bytes()), attempt)


class Laboratory:
    """A repository and a database for any number of faults, one after the other."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._records = RunRecords(database)
        self._ledger = Ledger(database, lambda: datetime.now(UTC))
        self._count = 0
        self.attempts: Attempts | None = None
        """Of the last run."""

    @cached_property
    def _repo(self) -> Path:
        repo = self._folder / "repo"
        repo.mkdir(parents=True)
        (repo / "README.md").write_text("Somebody's.\n")
        who = ("-c", "user.name=Somebody", "-c", "user.email=some@body")
        for command in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-qm", "Begin")):
            subprocess.run(["git", *command], cwd=repo, check=True)
        return repo

    def meet(self, fault: Fault) -> Ended:
        """Carry out the attempts of a run whose app has this fault; and of another, once people have answered."""
        ended = self._run(fault)
        if fault.answer is None or not ended.asked:
            return ended
        again = self._run(fault, fault.answer)
        return replace(again, asked=True, attempts=ended.attempts + again.attempts, tried=(*ended.tried, *again.tried))

    def _run(self, fault: Fault, *answers: Answer) -> Ended:
        self._count += 1
        purse = Purse(self._ledger)
        target = StubbornTarget(fault.symptoms, purse)
        services = Services(
            target=target,
            forge=_no_forge,
            mirror=lambda repo: Mirror(self._folder / "data", repo),
            data_dir=self._folder / "data",
            progress=purse,
            lookups=Offline(),
            ledger=self._ledger,
        )
        name = f"fox-{self._count}"
        asked = request(self._repo, name, gpus=fault.gpus, budget_usd=fault.budget_usd, answers=answers)
        record = self._records.add(asked, name, protocol=RUN_PROTOCOL)
        run = RunContext(
            record.id,
            name,
            asked,
            services,
            cancellation=Cancellation(),
            progress=Recorded(self._records, record.progress, services.progress, services.clock),
        )
        try:
            return self._carry_out(fault, run, target, purse)
        finally:
            target.stop(run.run_id)
            run.remove_worktree()

    def _carry_out(self, fault: Fault, run: RunContext, target: StubbornTarget, purse: Purse) -> Ended:
        run.use(resolve(run).facts)
        start = branch(run)
        run.foresee(start.foreseen)
        if fault.start is not None:
            run.change(fault.start(run.plan.lock))
        steps = _Steps(run, render(run, start))
        before = run.plan.prompt
        attempts = self.attempts = Attempts(run, steps.do)
        wall, cpu = time.perf_counter(), time.process_time()
        stopped = ""
        try:
            attempts.until_tested(start, steps.rendered)
        except OverBudget as error:
            stopped = str(error)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self._ledger.settle_stopped(run.run_id)
        money = self._ledger.state(run.run_id)
        passed = attempts.tested is not None and attempts.tested.report.passed
        app = read_app(run.worktree.path / run.app_dir, run.attempt)
        truthful = (
            all(one.gone(app) for one in fault.symptoms)
            and is_whole(app)
            and changed_inputs(before, app.prompt) <= fault.inputs
        )
        finding = run.learned[-1] if run.learned else None
        told = f"{finding.message} {finding.hint or ''}" if finding else stopped
        assert run.attempt <= MOST_ATTEMPTS
        return Ended(
            fault=fault,
            passed=passed,
            asked=bool(steps.found and isinstance(steps.found[-1].move, Ask)),
            told="" if passed else told,
            attempts=run.attempt,
            waited=steps.waited,
            held=purse.most,
            limit=money.limit,
            untruthful=passed and not truthful,
            overhead=(wall - target.seconds) / run.attempt,
            cpu=(cpu - target.cpu) / run.attempt,
            tried=tuple(map(_in_short, steps.found)),
        )


class _Steps:
    """Does each step, with a result that has been through JSON as if it had been on record."""

    def __init__(self, run: RunContext, rendered: Rendered) -> None:
        self._run = run
        self.rendered = rendered
        self.found: list[Diagnosed] = []
        self.waited = 0

    def do(self, name: StepName, body: Callable[[], ResultT], kind: type[ResultT]) -> ResultT:
        self._run.step = name
        if name == "repair" and self.found and isinstance(self.found[-1].move, Wait):
            self.waited += 1
            return kind.model_validate(self.rendered.model_dump())
        result = kind.model_validate_json(body().model_dump_json())
        if isinstance(result, Diagnosed):
            self.found.append(result)
        if isinstance(result, Rendered):
            self.rendered = result
        return result


def _in_short(found: Diagnosed) -> str:
    diagnosis, move = found.turn.diagnosis, found.move
    did = type(move).__name__.lower()
    if isinstance(move, Apply):
        did = "; ".join(str(change.model_dump(exclude_none=True)) for change in move.patch.changes)
    return f"{diagnosis.key if diagnosis else 'unknown'} -> {did}"


def _no_forge(_repo: object) -> Any:
    raise AssertionError("there are no drafts")
