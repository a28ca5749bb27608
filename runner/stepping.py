"""How a run does its steps: each once, told of, and with every error turned into how the run ends."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from codegen.errors import CodegenError
from runner import durable
from runner.budget.errors import OverBudget
from runner.errors import DatabaseUnavailable, DeployFailed, ForgeBusy, RunCancelled, RunnerError, decide_retry
from runner.model import Frozen
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from runner.context import RunContext
    from runner.model import RunId, StepName
    from runner.records import RunRecords

ResultT = TypeVar("ResultT", bound=Frozen)

LOG_TAIL_CHARACTERS = 2000
"""Of a deployment's log in the reason of a failed run: enough for a traceback."""

log = logging.getLogger(__name__)


class StepFailed(Exception):  # noqa: N818 - reads as the sentence that is shown
    """A step ended in an error that belongs to the run, not to this program."""


class EndedOverBudget(Exception):  # noqa: N818
    """A step could not begin, or was stopped, because of a limit of money."""


class Outcome(Frozen):
    """What is recorded of a step; one field is set. Errors are values here, so a resumed run meets them again."""

    done: dict[str, object] | None = None
    failed: str | None = None
    cancelled: str | None = None
    over_budget: str | None = None


class Steps:
    """Does each step once, tells of it, and turns what goes wrong into how the run ends."""

    def __init__(self, run: RunContext, records: RunRecords) -> None:
        self._run = run
        self._records = records

    def do(self, name: StepName, body: Callable[[], ResultT], kind: type[ResultT], *, always: bool = False) -> ResultT:
        """The result of a step, from the record if it was done before. `always`: also when the run was cancelled.

        Raises:
            RunCancelled: the run ends here.
            EndedOverBudget: it ends here, too.
            StepFailed: what went wrong, in words.
        """
        return self._recorded(name, lambda: self._perform(name, body, always=always), kind)

    @contextmanager
    def under_way(self, name: StepName) -> Generator[None]:
        """A step goes on inside, of which each `part` is on record by itself."""
        run, progress = self._run, self._run.progress
        run.step = name
        self._records.running(run.run_id, name)
        progress.started(run.run_id, name)
        began = time.monotonic()
        yield
        progress.finished(run.run_id, name, time.monotonic() - began)

    def part(self, name: StepName, body: Callable[[], ResultT], kind: type[ResultT]) -> ResultT:
        """The result of a part of the step that is under way, from the record if it was done before.

        Raises:
            RunCancelled, EndedOverBudget, StepFailed: as `do`.
        """

        def outcome() -> Outcome:
            try:
                return Outcome(done=body().model_dump(mode="json"))
            except Exception as error:  # noqa: BLE001 - as in `_perform`
                return self._outcome(name, error)

        return self._recorded(name, outcome, kind)

    def _recorded(self, name: StepName, perform: Callable[[], Outcome], kind: type[ResultT]) -> ResultT:
        outcome = Outcome.model_validate(durable.step(name, lambda: perform().model_dump(mode="json")))
        if outcome.cancelled is not None:
            raise RunCancelled(outcome.cancelled)
        if outcome.over_budget is not None:
            raise EndedOverBudget(outcome.over_budget)
        if outcome.failed is not None:
            raise StepFailed(outcome.failed)
        return kind.model_validate(outcome.done)

    def _perform(self, name: StepName, body: Callable[[], Frozen], *, always: bool) -> Outcome:
        run, progress = self._run, self._run.progress
        run.step = name
        try:
            if not always:
                run.cancellation.check()
            self._records.running(run.run_id, name)
            progress.started(run.run_id, name)
            began = time.monotonic()
            result = _with_retries(body)
            if not always:
                run.cancellation.check()
            progress.finished(run.run_id, name, time.monotonic() - began)
            return Outcome(done=result.model_dump(mode="json"))
        except Exception as error:  # noqa: BLE001 - every run ends in a told state
            return self._outcome(name, error)

    def _outcome(self, name: StepName, error: Exception) -> Outcome:
        try:
            # What is stopped under a step's feet makes it fail in any way; why it was stopped is the cause to tell.
            self._run.cancellation.check()
        except (RunCancelled, OverBudget, DatabaseUnavailable) as cause:
            error = cause
        match error:
            case RunCancelled():
                return Outcome(cancelled=str(error))
            case OverBudget():
                return Outcome(over_budget=f"{name}: {error}")
            case DatabaseUnavailable():
                raise durable.Abandoned(str(error)) from error
            case ForgeBusy(until=until):
                self._records.park(self._run.run_id, until)
                raise durable.Parked(str(error)) from error
            case DeployFailed(log=output) if output:
                return Outcome(failed=f"{name}: {error}\n{output[-LOG_TAIL_CHARACTERS:]}")
            case RunnerError() | CodegenError() | WorktreeError():
                return Outcome(failed=f"{name}: {error}")
            case _:
                log.error("%s: step %s", self._run.run_id, name, exc_info=error)
                return Outcome(failed=f"{name}: {type(error).__name__}: {error} (details in the log file)")


def results_of(run_id: RunId, name: StepName) -> tuple[dict[str, object], ...]:
    """What the steps of that name of another run, or the parts of one, have come to; those that ended well.

    Inside a step of a run only.
    """
    outcomes = (Outcome.model_validate(output) for output in durable.recorded(run_id, name))
    return tuple(outcome.done for outcome in outcomes if outcome.done is not None)


def _with_retries(body: Callable[[], ResultT]) -> ResultT:
    attempt = 1
    while True:
        try:
            return body()
        except (RunnerError, WorktreeError) as error:
            patience = decide_retry(error, attempt)
            if isinstance(error, DatabaseUnavailable) or patience is None:
                raise
            time.sleep(patience)
            attempt += 1
