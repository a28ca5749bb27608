"""DBOS, as this product uses it: a run is a workflow, and only the holder of its lease ever carries it out.

Facts read in the source of DBOS 3.4: at launch DBOS recovers every pending workflow of its own executor id, so each
process has one that nobody else ever had, and nothing is recovered by accident. A dead process' workflow goes on
through a queue; each process listens to one of its own, so no other process can take it from there. The
queues to listen to are found once a second, but at once if they are known before the launch. When the database is
lost DBOS tries again for ever, in the thread that asked; here the asking thread is told instead.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatusString
from sqlalchemy import event

from runner.errors import DatabaseUnavailable
from runner.log import log_to_file

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from codegen.model import JsonObject
    from runner.database import Database
    from runner.model import RunId

APPLICATION = "flowberth"
SYSTEM_SCHEMA = "dbos"
RUN_PROTOCOL = "4"
"""Raised when the order or the results of the steps change: a run of another protocol cannot go on."""
QUEUE_POLL_SECONDS = 0.25
"""How soon a resumed run starts. DBOS asks Postgres five times at each look, by one process only."""
SHUTDOWN_POLL_SECONDS = 0.05
"""How often DBOS' listener looks whether to end; with the default of 1 s every command would end that much later."""
END_POLL_SECONDS = 0.02
"""A resumed run's end is polled for, a few milliseconds after its body has returned."""
_OPEN = (WorkflowStatusString.PENDING.value, WorkflowStatusString.ENQUEUED.value)


class Abandoned(BaseException):
    """Leaves a run as it is on record, to be resumed by whoever owns it now.

    No `Exception`: DBOS records those as the end of the step and of the run.
    """


class Parked(Abandoned):
    """Leaves a run as it is on record until later."""


_thread = threading.local()


@contextmanager
def _on_lost_database(kind: type[BaseException]) -> Generator[None]:
    """Raise `kind` in this thread when the database cannot be reached."""
    _thread.kind = kind
    try:
        yield
    finally:
        _thread.kind = None


def _lost_database(context: sa.engine.ExceptionContext) -> BaseException | None:
    """What SQLAlchemy is to raise instead of its own error, if the thread has asked for it."""
    kind: type[BaseException] | None = getattr(_thread, "kind", None)
    if kind is None or not isinstance(context.original_exception, psycopg.OperationalError):
        return None
    return kind(f"the connection to PostgreSQL was lost: {' '.join(str(context.original_exception).split())}")


_bodies: dict[str, Callable[[], None]] = {}
"""What the workflows of this process do, by run id: DBOS calls functions it knows by name, with JSON arguments."""


@DBOS.workflow(name="run")
def _run(run_id: str) -> None:
    try:
        with _on_lost_database(Abandoned):
            _bodies[run_id]()
    finally:
        _bodies.pop(run_id, None)


class Durability:
    """DBOS in this process. There can be one at a time. Launched on first use."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir
        self._guard = threading.Lock()
        self._launched = False
        self._queue = f"run-{uuid.uuid4()}"

    def begin(self, run_id: RunId, body: Callable[[], None]) -> Callable[[], None]:
        """Carry out a run in a thread of this process, from its start or from the step it was in.

        `body` calls `step` for each step, in the same order every time, and raises nothing. The function returned waits
        until its end is on record with DBOS too.
        """
        self._launch()
        _bodies[run_id] = body
        with _on_lost_database(DatabaseUnavailable):
            if DBOS.get_workflow_status(run_id) is None:
                with SetWorkflowID(run_id):
                    handle = DBOS.start_workflow(_run, run_id)
            else:
                handle = DBOS.resume_workflow(run_id, queue_name=self._queue)

        def on_record() -> None:
            with _on_lost_database(DatabaseUnavailable):
                handle.get_result(polling_interval_sec=END_POLL_SECONDS)

        return on_record

    def can_go_on(self, run_id: RunId, protocol: str) -> bool:
        """Whether `begin` can carry out the rest of a run that nobody carries out now."""
        if protocol != RUN_PROTOCOL:
            return False
        self._launch()
        with _on_lost_database(DatabaseUnavailable):
            status = DBOS.get_workflow_status(run_id)
        return status is None or status.status in _OPEN

    def forget(self, run_id: RunId) -> None:
        """Never carry out the rest of a run that nobody carries out now."""
        self._launch()
        with _on_lost_database(DatabaseUnavailable):
            if DBOS.get_workflow_status(run_id) is not None:
                DBOS.cancel_workflow(run_id)

    def close(self) -> None:
        """Leave DBOS. Runs that are still being carried out stop at the end of their step and can be resumed."""
        with self._guard:
            if self._launched:
                # The database may be what failed; the row of a queue that nobody listens to harms nobody.
                with suppress(DatabaseUnavailable), _on_lost_database(DatabaseUnavailable):
                    DBOS.delete_queue(self._queue)
                DBOS.destroy()
                self._launched = False

    def _launch(self) -> None:
        with self._guard, _on_lost_database(DatabaseUnavailable):
            if self._launched:
                return
            log_to_file(self._data_dir)
            engine = self._database.engine
            event.listen(engine, "handle_error", _lost_database)
            known = self._register_queue(engine)
            config: DBOSConfig = {
                "name": APPLICATION,
                "system_database_engine": engine,
                "dbos_system_schema": SYSTEM_SCHEMA,
                "serializer": DBOSPortableJSONSerializer(),
                "application_version": RUN_PROTOCOL,
                "executor_id": str(uuid.uuid4()),
                "notification_listener_polling_interval_sec": SHUTDOWN_POLL_SECONDS,
                "log_level": "INFO",
                "enable_otlp": False,
            }
            DBOS(config=config)
            DBOS.listen_queues([self._queue])
            DBOS.launch()
            if not known:
                DBOS.register_queue(self._queue, polling_interval_sec=QUEUE_POLL_SECONDS)
            self._launched = True

    def _register_queue(self, engine: sa.Engine) -> bool:
        """Make the process' queue known before the launch; not possible with a database that DBOS has never seen."""
        with self._database.begin() as connection:
            if connection.scalar(sa.select(sa.func.to_regclass(f"{SYSTEM_SCHEMA}.queues"))) is None:
                return False
        client = DBOSClient(
            system_database_engine=engine,
            dbos_system_schema=SYSTEM_SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
        )
        try:
            client.register_queue(self._queue, polling_interval_sec=QUEUE_POLL_SECONDS)
        finally:
            client.destroy()
        return True


def recorded(run_id: RunId, name: str) -> tuple[JsonObject, ...]:
    """What another run has on record of its steps of that name, in their order; nothing if it never began.

    Inside a step of a run only.
    """
    steps = DBOS.list_workflow_steps(run_id)
    return tuple(each["output"] for each in steps if each["function_name"] == name and each["output"] is not None)


def step(name: str, body: Callable[[], JsonObject]) -> JsonObject:
    """Inside a run: do `body` and record what it returns, or return what was recorded when it was done before."""
    return DBOS.run_step({"name": name}, body)
