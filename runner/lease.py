"""Who may carry out the runs of one lane: the holder of a Postgres advisory lock.

The lock belongs to a database session of its own, so it is gone the moment its process is, however it went.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner.database import Database
    from runner.model import Lane


def lease_key(lane: Lane) -> int:
    """The key of the lane's advisory lock: 64 bits, signed."""
    digest = hashlib.sha256("\0".join(lane).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def held_keys(connection: Connection) -> frozenset[int]:
    """The keys of all advisory locks held in this database.

    Postgres shows a 64-bit key as two halves (https://www.postgresql.org/docs/current/view-pg-locks.html).
    """
    query = sa.text(
        "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
        "AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return frozenset(connection.scalars(query))


class Lease:
    """The right to run one lane. Not re-entrant: two leases exclude each other in one process too."""

    def __init__(self, database: Database, lane: Lane) -> None:
        self._key = lease_key(lane)
        self._database = database
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The session that holds the lock: while a query on it succeeds, the lease is held. For one thread only."""
        assert self._connection is not None, "the lease is not held"
        return self._connection

    def try_acquire(self) -> bool:
        """Take the lease if nobody alive has it."""
        assert self._connection is None, "the lease is held already"
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # never back into the pool: closing it must end the session and with it the lock
        if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key))):
            self._connection = connection
            return True
        connection.close()
        return False

    def release(self) -> None:
        """Let the next one have it. Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
