"""Everything that can be done with runs: start or go on, cancel, list, show.

At any time at most one process carries out runs of one lane: the holder of its lease. Rows of unfinished
runs whose lease can be had belong to nobody, and are either gone on with or ended.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future
from typing import TYPE_CHECKING

from runner.cancellation import Cancellation, Terminated
from runner.context import RunContext
from runner.durable import RUN_PROTOCOL, Abandoned, Durability, Parked
from runner.errors import DatabaseUnavailable, ForgeBusy, RunBusy
from runner.intake import intake
from runner.lease import Lease, held_keys, lease_key
from runner.model import Lane, RunResult
from runner.progress import Recorded
from runner.records import RunRecord, RunRecords
from runner.run import carry_out
from runner.serving import Serving
from runner.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from codegen.model import AppName
    from runner.database import Database
    from runner.model import RunRequest
    from runner.services import Services

WAIT_SECONDS = 0.1
"""How often a newer run looks whether the older one has gone."""
LEAVE_PATIENCE_SECONDS = 120.0
"""How long a cancelled run may take to go: stopping a deployment takes seconds, a git push perhaps a minute."""
BY_A_PERSON = "cancelled by a person"
INTERRUPTED = "interrupted at the terminal"


class Runs:
    """The runs of one database. One object per process: DBOS is a singleton."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services
        self._records = RunRecords(database)
        self._durability = Durability(database, services.data_dir)
        self._going: dict[str, Cancellation] = {}
        self.serving = Serving(self._records, services, self.ask)
        """What ended runs have left serving."""

    def up(self, request: RunRequest) -> RunResult:
        """Carry out a run to its end.

        An unfinished run of the same file and options whose process died is gone on with; any other unfinished run of
        the same name is superseded: cancelled if it is being carried out, cleaned up if not.

        Raises:
            codegen.errors.CodegenError: the file cannot be used; nothing has been recorded.
            DatabaseUnavailable: Postgres cannot be reached, or not any more.
            RunBusy: an older run of the same name does not end; or has not ended, and this one does not end it.
        """
        plan = intake(request)
        lane = Lane(request.repo_key, plan.name, request.environment)
        lease = Lease(self._database, lane)
        try:
            if lease.try_acquire():
                self._check_alone(request, lane)
                record = self._adopt(request, lane) or self._records.add(request, plan.name, protocol=RUN_PROTOCOL)
            else:
                self._check_alone(request, lane, alive=True)
                record = self._records.add(request, plan.name, protocol=RUN_PROTOCOL)
                self._displace(record, lease)
            return self._carry_out(record, lease)
        finally:
            lease.release()

    def ask(self, request: RunRequest, name: AppName, *, key: str, not_before: datetime | None = None) -> RunRecord:
        """Note that a run is wanted, for whoever carries out runs. With the same `key` it is the same run again.

        It is not begun before `not_before`. The end of older runs of the same lane is asked for; a queued one that
        nobody has begun ends with it. Not for variations: whoever asks for them has seen that nothing is under way.
        """
        record = self._records.add(request, name, protocol=RUN_PROTOCOL, key=key, told=True, not_before=not_before)
        if not record.finished and request.kind != "vary":
            self._records.want_older_cancelled(record, f"superseded by {record.id}")
        return record

    def due(self) -> tuple[RunRecord, ...]:
        """Runs that nobody carries out and that can go on now; of each lane only the newest.

        Oldest first within a repository, and repositories take turns: thirty workflows of one do not hold up another.
        """
        newest: dict[Lane, RunRecord] = {}
        for record in self._records.unfinished():
            newest.setdefault(record.lane, record)
        with self._database.begin() as connection:
            held = held_keys(connection)
        now = self._services.clock()
        going = [record for record in newest.values() if lease_key(record.lane) in held]
        waiting = [
            record
            for record in newest.values()
            if lease_key(record.lane) not in held
            and (record.not_before is None or record.not_before <= now or record.cancel_reason is not None)
        ]
        return taking_turns(waiting, going)

    def ahead_of(self, record: RunRecord) -> int:
        """How many unfinished runs were asked for before it."""
        return sum(other.number < record.number for other in self._records.unfinished())

    def is_newest(self, record: RunRecord) -> bool:
        """Whether no newer run of its lane was asked for."""
        return self._records.newest_of(record.lane) == record.id

    def go_on(self, record: RunRecord) -> RunResult | None:
        """Carry out what is left of a run; `None` if another process has it or has just ended it, or it was put away.

        Raises:
            DatabaseUnavailable: Postgres cannot be reached, or not any more; or `abandon` was called.
        """
        try:
            return self._go_on(record)
        except ForgeBusy:
            return None

    def abandon(self) -> None:
        """Leave all runs of this process as they are on record, to be gone on with by another one."""
        for cancellation in tuple(self._going.values()):
            cancellation.disown("this process is ending")

    def resume(self, run_id: str | None = None) -> tuple[RunResult, ...]:
        """Go on with unfinished runs whose process died: one, or all. Of several of one app, only the newest.

        Raises:
            RunNotFound: there is no run `run_id`.
            RunBusy: run `run_id` is being carried out by a living process.
            DatabaseUnavailable: Postgres cannot be reached, or not any more.
        """
        if run_id is None:
            ends = [self._go_on(record) for record in self._records.unfinished()]
            return tuple(end for end in ends if end is not None)
        record = self._records.get(run_id)
        end = record.result or self._go_on(record)
        if end is None:
            raise RunBusy(f"run {run_id} is being carried out by another process")
        return (end,)

    def cancel(self, run_id: str, reason: str = BY_A_PERSON) -> RunRecord:
        """End a run, wherever it is carried out, and stop what it left serving.

        Raises:
            RunNotFound: there is none with that id.
            RunBusy: its process does not react.
            DatabaseUnavailable: Postgres cannot be reached, or not any more.
        """
        record = self._records.get(run_id)
        if not record.finished:
            self._records.want_cancelled(record.id, reason)
            self._see_off(record, reason)
        self.serving.stop(record)
        return self._records.get(run_id)

    def close(self) -> None:
        """Leave the database's workflow engine. Idempotent; the database itself stays open."""
        self._durability.close()

    def _go_on(self, record: RunRecord) -> RunResult | None:
        """The rest of an unfinished run; `None` if another process has it, or has just ended it."""
        lease = Lease(self._database, record.lane)
        try:
            if not lease.try_acquire():
                return None
            record = self._records.get(record.id)
            if record.finished:
                return None
            for other in self._records.unfinished(record.lane):
                if other.id != record.id:
                    self._settle(other, f"superseded by {record.id}")
            if not self._can_go_on(record):
                self._settle(
                    record, record.cancel_reason or "started by another version of Flowberth; ask for it again"
                )
            return self._carry_out(record, lease)
        finally:
            lease.release()

    def _adopt(self, request: RunRequest, lane: Lane) -> RunRecord | None:
        """With the lease held: the run to go on with, if there is one; all others of the app are ended."""
        adopted: RunRecord | None = None
        for record in self._records.unfinished(lane):
            if adopted is None and self._can_go_on(record) and self._records.same(record, request):
                adopted = record
            else:
                self._settle(record, record.cancel_reason or "superseded by a newer run")
        return adopted

    def _check_alone(self, request: RunRequest, lane: Lane, *, alive: bool = False) -> None:
        """Variations are made, and one of them is taken, of what is there: that ends no other run of the app.

        `alive`: one is being carried out.
        """
        if request.kind != "vary" and request.adopt is None:
            return
        for record in self._records.unfinished(lane):
            if alive or not self._records.same(record, request):
                raise RunBusy(
                    f"{record.id} of {record.name} has not ended; wait for it, go on with it (`flowberth runs resume`) "
                    "or end it (`flowberth runs cancel`)"
                )

    def _can_go_on(self, record: RunRecord) -> bool:
        return record.cancel_reason is None and self._durability.can_go_on(record.id, record.protocol)

    def _displace(self, record: RunRecord, lease: Lease) -> None:
        """Make the living owner of the lease give it up; returns when it is ours or when `record` itself has ended."""
        reason = f"superseded by {record.id}"
        deadline = time.monotonic() + LEAVE_PATIENCE_SECONDS
        try:
            self._records.want_older_cancelled(record, reason)
            while not lease.try_acquire():
                own = self._records.get(record.id)
                if own.finished:
                    return
                if own.cancel_reason is not None:
                    self._end(own, own.cancel_reason)
                    return
                _patient(deadline, f"an older run of {record.name} does not end; `flowberth runs list` shows it")
                time.sleep(WAIT_SECONDS)
        except (KeyboardInterrupt, RunBusy) as error:
            self._end(record, str(error) or INTERRUPTED)
            raise
        for older in self._records.unfinished(record.lane):
            if older.number < record.number:
                self._settle(older, reason)

    def _see_off(self, record: RunRecord, reason: str) -> None:
        """Wait until a run that was asked to end has ended; end it here if nobody carries it out."""
        deadline = time.monotonic() + LEAVE_PATIENCE_SECONDS
        while not (now := self._records.get(record.id)).finished:
            lease = Lease(self._database, record.lane)
            try:
                if lease.try_acquire():
                    self._settle(now, reason)
                elif now.state == "queued":  # it waits for the lease that another run has; it will see its row
                    self._end(now, reason)
                else:
                    _patient(deadline, f"the process that carries out {record.id} does not react")
                    time.sleep(WAIT_SECONDS)
            finally:
                lease.release()

    def _carry_out(self, record: RunRecord, lease: Lease) -> RunResult:
        """With the lease held: the rest of a run, in this process; or how it ended, if it has."""
        record = self._records.get(record.id)
        if record.result is not None:
            return record.result
        run = self._context(record, Cancellation())
        ended: Future[RunResult] = Future()

        def body() -> None:
            try:
                ended.set_result(carry_out(run, self._records))
            except BaseException as error:  # whoever waits for it gets it, whatever it is
                ended.set_exception(error)
                raise

        self._going[record.id] = run.cancellation
        with Watch(run, lease):
            try:
                on_record = self._durability.begin(record.id, body)
                result = _wait(ended, run.cancellation)
                on_record()
            except BaseException:  # Ctrl-C among them
                run.cancellation.disown("nobody waits for it any more")  # stops what goes on in its thread
                raise
            finally:
                self._going.pop(record.id, None)
        if result.endpoint is not None:
            self.serving.replace_older(record)
            self.serving.make_room()
        return result

    def _settle(self, record: RunRecord, reason: str) -> None:
        """End a run that nobody carries out: clean up after it, and record it as cancelled."""
        self._services.target.stop(record.id)
        if self._services.ledger is not None:
            self._services.ledger.settle_stopped(record.id)
            self._services.ledger.settle_abandoned((record.id,))
        self._context(record, Cancellation()).remove_worktree()
        self._durability.forget(record.id)
        self._end(record, reason)

    def _end(self, record: RunRecord, reason: str) -> None:
        request = self._records.request(record.id)
        result = RunResult(
            run_id=record.id,
            state="cancelled",
            name=record.name,
            repo=record.repo,
            branch=None,
            commit=None,
            app_dir=None,
            endpoint=None,
            engine="comfyui" if request.engine.url or request.engine.path else "stand-in",
            attempts=0,
            reason=reason,
        )
        self._records.finish(record.id, result)

    def _context(self, record: RunRecord, cancellation: Cancellation) -> RunContext:
        services = self._services
        progress = Recorded(self._records, record.progress, services.progress, services.clock)
        request = self._records.request(record.id)
        return RunContext(record.id, record.name, request, services, cancellation=cancellation, progress=progress)


def taking_turns(waiting: Iterable[RunRecord], going: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """Each repository's first run before any repository's second, those that are carried out counted in."""
    had = Counter(record.repo for record in going)
    turns: list[tuple[int, int, RunRecord]] = []
    for record in sorted(waiting, key=lambda record: record.number):
        turns.append((had[record.repo], record.number, record))
        had[record.repo] += 1
    return tuple(record for _, _, record in sorted(turns, key=lambda turn: turn[:2]))


def _patient(deadline: float, complaint: str) -> None:
    if time.monotonic() > deadline:
        raise RunBusy(complaint)


def _wait(ended: Future[RunResult], cancellation: Cancellation) -> RunResult:
    """The end of a run. The first Ctrl-C cancels it; a second, or SIGTERM, leaves it to be resumed."""
    interrupted = False
    while True:
        try:
            return ended.result(timeout=WAIT_SECONDS)
        except TimeoutError:
            continue
        except KeyboardInterrupt as error:
            if interrupted or isinstance(error, Terminated):
                raise
            interrupted = True
            cancellation.cancel(INTERRUPTED)
        except Parked as error:
            raise error.__cause__ or error from None
        except Abandoned as error:
            raise DatabaseUnavailable(str(error)) from error
