"""The table `delivery` as workers use it: what GitHub and Slack have sent, each handled by one worker at a time.

A claim is a Postgres advisory lock of the session that made it, not a lock of the row in an open transaction: the
count of attempts is committed *before* the handling starts, so that a delivery which kills its worker each time is
given up after `MAX_ATTEMPTS`; and the lock is gone the moment its process is, so that nobody waits for a lease to end.
Handlers find what they have made before, so handling a delivery again after a crash does no harm.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Self

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from runner.errors import DatabaseUnavailable
from runner.tables import delivery as table

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from types import TracebackType

    from runner.database import Database

CHANNEL = "flowberth_delivery"
"""On which Postgres tells waiting workers that something has arrived."""
MAX_ATTEMPTS = 5
RETRY_SECONDS = (5, 30, 120, 600)
"""Before the second, third … attempt: a hiccup of GitHub is over in seconds, an incident in minutes."""
KEEP = timedelta(days=7)
"""How long what is settled stays on record. GitHub redelivers for three days; until then a GUID must be known again."""
MAX_ERROR_CHARACTERS = 2000

STORE = f"""
WITH stored AS (
    INSERT INTO flowberth.delivery (guid, event, action, installation, payload, received_at)
    SELECT guid, event, action, installation, payload, now() + place * interval '1 microsecond'
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::bytea[])
        WITH ORDINALITY AS arrived (guid, event, action, installation, payload, place)
    ORDER BY guid
    ON CONFLICT (guid) DO UPDATE SET state = 'received', attempts = 0, not_before = NULL, error = NULL,
        payload = excluded.payload, received_at = excluded.received_at, updated_at = now()
        WHERE delivery.state = 'failed'
    RETURNING guid
)
SELECT guid, pg_notify('{CHANNEL}', '') FROM stored
"""  # noqa: S608 - a constant
"""Parameters: `columns_of`. Returns what is new, or taken again because it had failed. In the order of GUIDs, so that
two processes that store the same ones do not wait for each other. Postgres sends equal notifications of a transaction
once. `%b`: payloads go over in binary, or each would be written out in hexadecimal first."""

_LOCK_OF_GUID = "hashtextextended(guid, 7161662309)"
"""64 bits; the seed keeps them apart from the locks of lanes, which are hashes too."""
_FREE = sa.text(f"""
WITH due AS MATERIALIZED (
    SELECT guid FROM flowberth.delivery
    WHERE state = 'received' AND (not_before IS NULL OR not_before <= now()) AND guid <> ALL(:mine)
    ORDER BY received_at, guid
    LIMIT 200 -- more than are being handled at any moment, by all workers
)
SELECT guid FROM due WHERE pg_try_advisory_lock({_LOCK_OF_GUID}) LIMIT 1
""")  # noqa: S608 - a constant
_TAKE = sa.text("""
UPDATE flowberth.delivery SET attempts = attempts + 1, updated_at = now()
WHERE guid = :guid AND state = 'received' AND (not_before IS NULL OR not_before <= now())
RETURNING guid, event, action, installation, payload, attempts
""")
_UNLOCK = sa.text(f"SELECT pg_advisory_unlock({_LOCK_OF_GUID}) FROM (VALUES (:guid)) AS one (guid)")  # noqa: S608

_SWEEPS = sa.text("SELECT pg_try_advisory_lock(hashtextextended('sweep', 7161662309))")


@dataclass(frozen=True)
class Delivery:
    """A webhook's payload, as GitHub signed it; or what somebody asks for on Slack (`github_app.slack.requests`)."""

    guid: str
    """The same for every attempt to deliver it."""
    event: str
    """`X-GitHub-Event`, such as `issues`; or `slack`."""
    action: str | None
    installation: int | None
    payload: bytes
    """JSON."""
    attempts: int = 0
    """How often a worker has begun to handle it, this time included."""


def columns_of(deliveries: Sequence[Delivery]) -> tuple[list[Any], ...]:
    """The parameters of `STORE`. No two may have the same GUID."""
    return (
        [each.guid for each in deliveries],
        [each.event for each in deliveries],
        [each.action for each in deliveries],
        [each.installation for each in deliveries],
        [each.payload for each in deliveries],
    )


class Deliveries:
    """Those of one database. One per process; safe to use from several threads.

    Every method raises `runner.errors.DatabaseUnavailable` while Postgres cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._session: sa.Connection | None = None
        self._mine: set[str] = set()
        self._sweeps = False

    def store(self, deliveries: Iterable[Delivery]) -> int:
        """Put them on record, as the webhook does; returns how many are new."""
        distinct = tuple({each.guid: each for each in deliveries}.values())
        with self._database.begin() as connection:
            return len(connection.exec_driver_sql(STORE, columns_of(distinct)).all())

    def known(self, guids: Iterable[str]) -> frozenset[str]:
        """Which of them are on record, in any state."""
        with self._database.begin() as connection:
            return frozenset(connection.scalars(sa.select(table.c.guid).where(table.c.guid.in_(list(guids)))))

    def claim(self) -> Delivery | None:
        """The oldest one that is due and that nobody handles; it must be settled by one of the methods below."""
        with self._guard, self._claiming() as session:
            while (guid := session.scalar(_FREE, {"mine": list(self._mine)})) is not None:
                row = session.execute(_TAKE, {"guid": guid}).one_or_none()
                if row is not None and row.attempts <= MAX_ATTEMPTS:
                    self._mine.add(guid)
                    return Delivery(*row)
                if row is not None:
                    why = f"given up: {MAX_ATTEMPTS} times the worker ended while it was handling this"
                    session.execute(_settled(guid, state="failed", error=why))
                session.execute(_UNLOCK, {"guid": guid})  # else somebody settled it as we were reaching for it
            return None

    def handled(self, delivery: Delivery) -> None:
        """All that it asks for is done, or is on record as a run."""
        self._settle(delivery, state="handled", error=None)

    def ignored(self, delivery: Delivery) -> None:
        """There is nothing to do about it."""
        self._settle(delivery, state="ignored", error=None)

    def failed(self, delivery: Delivery, error: str) -> None:
        """It cannot be handled; GitHub may be asked to deliver it again, and then it is tried again."""
        self._settle(delivery, state="failed", error=error[:MAX_ERROR_CHARACTERS])

    def again(self, delivery: Delivery, error: str, *, not_before: datetime | None = None, counts: bool = True) -> None:
        """Try it later; after `MAX_ATTEMPTS` it has failed.

        Args:
            delivery: as it was claimed.
            error: why not now.
            not_before: else after `RETRY_SECONDS`, by the number of attempts.
            counts: false where nothing was tried, such as when GitHub has asked for patience.
        """
        if counts and delivery.attempts >= MAX_ATTEMPTS:
            return self.failed(delivery, error)
        wait = RETRY_SECONDS[min(delivery.attempts, len(RETRY_SECONDS)) - 1]
        return self._settle(
            delivery,
            state="received",
            error=error[:MAX_ERROR_CHARACTERS],
            not_before=not_before or datetime.now(UTC) + timedelta(seconds=wait),
            attempts=delivery.attempts if counts else delivery.attempts - 1,
        )

    def let_go(self, delivery: Delivery) -> None:
        """Settle nothing: it is due again, for anybody. What to do where Postgres was lost while it was handled."""
        with self._guard:
            self._mine.discard(delivery.guid)
            with self._claiming() as session:
                session.execute(_UNLOCK, {"guid": delivery.guid})

    def take_again(self, guid: str) -> bool:
        """Let one that has failed be handled once more; false if it has not failed."""
        failed = table.update().where(table.c.guid == guid, table.c.state == "failed")
        with self._database.begin() as connection:
            fresh = {"state": "received", "attempts": 0, "not_before": None, "error": None, "updated_at": sa.func.now()}
            taken = connection.execute(failed.values(fresh)).rowcount == 1
            connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
            return taken

    def may_sweep(self) -> bool:
        """Whether this process is the one that asks GitHub what was missed: the first to ask this, until it ends."""
        with self._guard, self._claiming() as session:
            if not self._sweeps:
                self._sweeps = session.scalar(_SWEEPS)
            return self._sweeps

    def prune(self) -> int:
        """Forget what was settled longer than `KEEP` ago; returns how many."""
        old = table.delete().where(table.c.state != "received", table.c.updated_at < sa.func.now() - KEEP)
        with self._database.begin() as connection:
            return connection.execute(old).rowcount

    def close(self) -> None:
        """Let go of what is claimed: it is due again at once."""
        with self._guard:
            self._forget_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _settle(self, delivery: Delivery, **values: object) -> None:
        with self._guard:
            try:
                with self._claiming() as session:
                    session.execute(_settled(delivery.guid, **values))
                    session.execute(_UNLOCK, {"guid": delivery.guid})
            finally:
                self._mine.discard(delivery.guid)

    @contextmanager
    def _claiming(self) -> Generator[sa.Connection]:
        """The session that holds the locks. Once it is lost, so are they: another worker may take what we handle."""
        try:
            if self._session is None:
                session = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                session.detach()  # never back into the pool: closing it must end the session and with it the locks
                self._session = session
            yield self._session
        except DBAPIError as error:
            self._forget_session()
            _lost(self._database, error)

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
            self._sweeps = False


class Arrivals:
    """Waits for deliveries. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None

    def wait(self, seconds: float) -> bool:
        """Until something has arrived since the last call, at most `seconds`. What is due by its time is not told of.

        Raises:
            DatabaseUnavailable: Postgres cannot be reached.
        """
        try:
            if self._connection is None:
                self._connection = psycopg.connect(conninfo(self._database), autocommit=True)
                self._connection.execute(f"LISTEN {CHANNEL}")
                return True  # something may have come before we listened
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.OperationalError as error:
            self.close()
            _lost(self._database, error)

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def conninfo(database: Database) -> str:
    """Its URL as psycopg takes it."""
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _settled(guid: str, **values: object) -> sa.Update:
    claimed = table.update().where(table.c.guid == guid, table.c.state == "received")
    return claimed.values(**values, updated_at=sa.func.now())


def _lost(database: Database, error: DBAPIError | psycopg.OperationalError) -> NoReturn:
    """Raise what callers expect when it is the connection that failed; a mistake of ours stays what it is."""
    if isinstance(error, DBAPIError) and not (isinstance(error, OperationalError) or error.connection_invalidated):
        raise error
    cause = error.orig if isinstance(error, DBAPIError) else error
    raise DatabaseUnavailable(f"lost PostgreSQL ({database.place}): {' '.join(str(cause).split())}") from None
