"""How fast, and in which order, an installation asks and writes: shared by all processes through Postgres.

GitHub's numbers: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from github_app.github.errors import Busy
from runner.tables import installation as table

if TYPE_CHECKING:
    from collections.abc import Generator

    from runner.database import Database

PATIENCE_SECONDS = 15.0
"""How long a request stands in line. Work that is put away asks everything anew when it is taken up again, and thirty
runs that do so take all there is with their questions alone; the threads of three workers fit into this line."""
CREATIONS_AT_ONCE = 30
CREATIONS_PER_SECOND = 50 / 60
"""GitHub takes 80 a minute: what may come at once and what drains in a minute stay below that together. Which requests
count is not documented; taken are those of which the reference says "this endpoint triggers notifications"."""
POINTS_AT_ONCE = 150
POINTS_PER_SECOND = 740 / 60
"""GitHub takes 900 a minute: these stay below that together. At once comes what as many creations take. A run takes
about 60 in the seconds that it goes on."""
POINTS_OF_A_READ = 1
POINTS_OF_A_WRITE = 5
TURNS_AT_ONCE = 4
"""In one process: each holds a connection to Postgres while GitHub is asked, and what is asked needs another."""


@dataclass(frozen=True)
class _Bucket:
    column: sa.ColumnElement[float]
    size: float
    drain: float

    def drained(self) -> sa.ColumnElement[float]:
        elapsed = sa.extract("epoch", sa.func.clock_timestamp() - table.c.drained_at)
        return sa.func.greatest(0.0, self.column - sa.func.greatest(0.0, elapsed) * self.drain)

    def wait(self, level: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
        """Seconds until the bucket with that level holds no more than its size."""
        return sa.func.greatest(0.0, (level - self.size) / self.drain)


_CREATIONS = _Bucket(table.c.creations, CREATIONS_AT_ONCE, CREATIONS_PER_SECOND)
_POINTS = _Bucket(table.c.points, POINTS_AT_ONCE, POINTS_PER_SECOND)
_FREE = sa.or_(table.c.blocked_until.is_(None), table.c.blocked_until <= sa.func.clock_timestamp())


class Pace:
    """Leaky buckets per installation, what GitHub itself has said about waiting, and turns for what must not race."""

    def __init__(self, database: Database, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._database = database
        self._patience = patience_seconds
        self._turns: dict[str, _Turn] = {}
        self._connections = threading.BoundedSemaphore(TURNS_AT_ONCE)
        self._guard = threading.Lock()

    def gate(self, installation: int) -> InstallationGate:
        """What the requests of an installation have to pass."""
        return InstallationGate(self, installation)

    def admit_read(self, installation: int) -> None:
        """Stand in line for one question.

        Raises:
            Busy: the line is longer than `PATIENCE_SECONDS`, or GitHub has asked this installation to wait.
        """
        self._stand_in_line(installation, POINTS_OF_A_READ, creates=False)

    def admit_write(self, installation: int, *, creates: bool = False) -> None:
        """Stand in line for one write. `creates`: GitHub notifies people of it.

        Raises:
            Busy: as `admit_read`.
        """
        self._stand_in_line(installation, POINTS_OF_A_WRITE, creates=creates)

    def _stand_in_line(self, installation: int, cost: int, *, creates: bool) -> None:
        creations = _CREATIONS.drained() + (1.0 if creates else 0.0)
        points = _POINTS.drained() + float(cost)
        # What creates nothing does not wait for the bucket of creations.
        creation_wait = _CREATIONS.wait(creations) if creates else sa.literal(0.0)
        wait = sa.func.greatest(creation_wait, _POINTS.wait(points))
        taken = _CREATIONS.wait(table.c.creations) if creates else sa.literal(0.0)
        reserve = (
            sa.update(table)
            .where(table.c.id == installation, _FREE, wait <= self._patience)
            .values(creations=creations, points=points, drained_at=sa.func.clock_timestamp())
            .returning(sa.func.greatest(taken, _POINTS.wait(table.c.points)))
        )
        with self._database.begin() as connection:
            seconds = connection.scalar(reserve)
            if seconds is None:
                connection.execute(_known(installation))
                seconds = connection.scalar(reserve)
            if seconds is None:
                row = connection.execute(sa.select(wait, table.c.blocked_until).where(table.c.id == installation)).one()
                paced = datetime.now(UTC) + timedelta(seconds=float(row[0]))
                raise _patience(max(filter(None, (paced, row[1]))))
        time.sleep(float(seconds))

    def admit_mutation(self, installation: int) -> None:
        """Change something by GraphQL. GitHub counts 2,000 points of those a minute apart, which nobody reaches here.

        Raises:
            Busy: GitHub has asked this installation to wait.
        """
        with self._database.begin() as connection:
            until = connection.scalar(sa.select(table.c.blocked_until).where(table.c.id == installation, ~_FREE))
        if until is not None:
            raise _patience(until)

    def block(self, installation: int, until: datetime) -> None:
        """Let nobody ask anything for this installation before `until`."""
        latest = sa.func.greatest(table.c.blocked_until, until)  # NULL counts for nothing
        with self._database.begin() as connection:
            connection.execute(_known(installation))
            connection.execute(sa.update(table).where(table.c.id == installation).values(blocked_until=latest))

    @contextmanager
    def turn(self, key: str) -> Generator[None]:
        """One at a time among all threads of all processes: looking for something and making it are two requests."""
        with self._own(key), self._connections, self._database.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"github {key}", 0))))
            yield

    @contextmanager
    def _own(self, key: str) -> Generator[None]:
        """Among the threads of this process, so that those who wait hold no connection to Postgres."""
        with self._guard:
            turn = self._turns.setdefault(key, _Turn(threading.Lock()))
            turn.wanted += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.wanted -= 1
                if not turn.wanted:
                    self._turns.pop(key, None)


class InstallationGate:
    """`Pace` for one installation: a `github_app.github.connection.Gate`."""

    def __init__(self, pace: Pace, installation: int) -> None:
        self._pace = pace
        self._installation = installation

    def admit_read(self) -> None:
        """As `Pace.admit_read`."""
        self._pace.admit_read(self._installation)

    def admit_write(self, *, creates: bool) -> None:
        """As `Pace.admit_write`."""
        self._pace.admit_write(self._installation, creates=creates)

    def admit_mutation(self) -> None:
        """As `Pace.admit_mutation`."""
        self._pace.admit_mutation(self._installation)

    def block(self, until: datetime) -> None:
        """As `Pace.block`."""
        self._pace.block(self._installation, until)


@dataclass
class _Turn:
    lock: threading.Lock
    wanted: int = 0


def _known(installation: int) -> sa.Insert:
    """The row may be missing where a request comes before the event that tells of the installation."""
    return insert(table).values(id=installation, account="").on_conflict_do_nothing()


def _patience(until: datetime) -> Busy:
    return Busy(f"the limit of requests to GitHub is reached until {until.astimezone(UTC):%H:%M:%S} UTC", until=until)
