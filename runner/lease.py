"""Who may carry out runs of one (repository, name): the holder of a Postgres advisory lock.

The lock belongs to a database session of its own, so it is gone the moment its process is, however it went.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner.database import Database


class Lease:
    """The right to run one (repository, name). Not re-entrant: two leases exclude each other in one process too."""

    def __init__(self, database: Database, repo: str, name: str) -> None:
        digest = hashlib.sha256(f"{repo}\0{name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "big", signed=True)
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
