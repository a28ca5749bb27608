"""Puts deliveries on record: one statement for all that wait at a moment.

One connection, one statement at a time. While it is on its way to the disk, or was a moment ago, the next deliveries
gather, so that a burst costs few commits; a delivery that comes alone waits for nothing but its own. Whoever waits is
told only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

import psycopg

from github_app.server.deliveries import STORE, Delivery, columns_of
from github_app.server.errors import NotStored

if TYPE_CHECKING:
    from collections.abc import Callable

BETWEEN_STATEMENTS_SECONDS = 0.02
"""From the begin of one to that of the next: a commit is the dearest part of a delivery, and a burst then shares one.
Where a commit takes longer than that, the next deliveries have gathered meanwhile and wait for nothing else."""
BATCH_DELIVERIES = 256
BATCH_BYTES = 64 * 1024 * 1024
"""Of one statement: Postgres takes a message of at most 1 GB, and its memory is the machine's too."""
STORE_SECONDS = 7.0
"""For connecting and storing. GitHub hangs up after ten (https://docs.github.com/webhooks), and should hear of it."""
CLOSE_SECONDS = 2.0
"""For an orderly goodbye to Postgres."""

log = logging.getLogger(__name__)


class Inbox:
    """One per HTTP process; belongs to one event loop."""

    def __init__(self, conninfo: Callable[[], str]) -> None:
        """`conninfo`: called in a thread when a connection is needed; may raise what it likes."""
        self._conninfo = conninfo
        self._connection: psycopg.AsyncConnection | None = None
        self._using = asyncio.Lock()
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write(), name="inbox")

    async def close(self) -> None:
        """Finish what is being stored, and say goodbye. Nobody may call `store` any more."""
        self._closing = True
        self._arrived.set()
        if self._writer is not None:
            await self._writer
        await self._disconnect()

    async def store(self, delivery: Delivery) -> None:
        """Return once it is on record, now or from before.

        Raises:
            NotStored: it is not, or nobody knows.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, stored))
        self._arrived.set()
        await stored

    async def ping(self) -> None:
        """Return if deliveries can be stored.

        Raises:
            NotStored: they cannot.
        """
        await self._execute("SELECT 1 FROM flowberth.delivery LIMIT 0", ())

    async def _write(self) -> None:
        while not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                began = time.monotonic()
                await self._write_batch(self._take_batch())
                await asyncio.sleep(began + BETWEEN_STATEMENTS_SECONDS - time.monotonic())

    def _take_batch(self) -> list[tuple[Delivery, asyncio.Future[None]]]:
        size = count = 0
        for delivery, _ in self._waiting[:BATCH_DELIVERIES]:
            size += len(delivery.payload)
            if count and size > BATCH_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _write_batch(self, batch: list[tuple[Delivery, asyncio.Future[None]]]) -> None:
        error: NotStored | None = None
        try:
            distinct = {delivery.guid: delivery for delivery, _ in batch}  # the same GUID twice at the same time
            await self._execute(STORE, columns_of(tuple(distinct.values())))
        except NotStored as refused:
            error = refused
            batch, self._waiting = batch + self._waiting, []  # nor would they be stored before their senders hang up
            log.warning("%d deliveries not stored: %s", len(batch), error)
        for _, stored in batch:
            if stored.cancelled():  # the sender has hung up
                continue
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(NotStored(str(error)))

    async def _execute(self, statement: str, parameters: tuple[object, ...]) -> None:
        async with self._using:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    connection = await self._connected()
                    await connection.execute(statement, parameters, prepare=True, binary=True)  # pyright: ignore[reportArgumentType] - constants of ours
            except Exception as error:
                # Whatever it was: the next one starts afresh, and nobody is told that something was stored.
                await self._disconnect()
                if not isinstance(error, psycopg.Error | TimeoutError | OSError):
                    log.exception("a batch of deliveries was not stored")
                raise NotStored(" ".join(str(error).split()) or "Postgres did not answer in time") from None

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None:
            conninfo = await asyncio.to_thread(self._conninfo)
            self._connection = await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, connect_timeout=int(STORE_SECONDS), application_name="flowberth-serve"
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be in any state, and is not used again
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()
