"""The table `telling`: which revision of a run people see in a place, and what was made there to show it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.model import RunId
from runner.records import UNFINISHED, storable
from runner.tables import run, telling

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from runner.database import Database


Place: TypeAlias = Literal["forge", "slack"]


class Hints(BaseModel):
    """What was made for one run, wherever it is told of. Only hints: all of it could be found again."""

    model_config = ConfigDict(extra="ignore")

    failures: int = 0
    """In a row, of telling it."""


class Shown(Hints):
    """On GitHub."""

    comment: int | None = None
    checks: dict[str, int] = Field(default_factory=dict[str, int])
    """Id by commit."""
    deployment: int | None = None
    deployment_state: str | None = None
    label: str | None = None
    tag: str | None = None
    auto_merge: bool = False


S = TypeVar("S", bound=Hints)


class Telling(Generic[S]):
    """One run that has something to tell, held by this process until the end of the `with` block."""

    def __init__(self, run_id: RunId, shown: S, clock: datetime) -> None:
        self.run_id = run_id
        self.shown = shown
        self._clock = clock
        self._values: dict[str, object] = {}

    def told(self, revision: int, *, finished: bool, pause: float) -> None:
        """People see that revision now. The next one, unless it is the end, is told after `pause` seconds or later."""
        self.shown.failures = 0
        self._values = {
            "told": revision,
            # What happened while it was told is still to be told.
            "settled": sa.and_(
                sa.literal(finished),
                sa.select(run.c.revision == revision).where(run.c.id == self.run_id).scalar_subquery(),
            ),
            "error": None,
            "not_before": None if finished else self._clock + timedelta(seconds=pause),
        }

    def failed(self, error: str, until: datetime) -> None:
        """It did not work out; try again then."""
        self._values = {"error": storable(error), "not_before": until}

    def given_up(self, error: str) -> None:
        """It never will: nobody is told any more, until there is something new."""
        self.shown.failures = 0
        self._values = {"error": storable(error), "settled": True}

    @property
    def values(self) -> dict[str, object]:
        """What is to be written."""
        return {"state": self.shown.model_dump(mode="json"), **self._values}


class TellingsIn(Generic[S]):
    """Reads and writes the rows of one place."""

    def __init__(self, database: Database, place: Place, shown: type[S]) -> None:
        self._database = database
        self._place = place
        self._shown = shown

    @contextmanager
    def next(self, clock: datetime) -> Generator[Telling[S] | None]:
        """The run that has waited longest to be told, locked against other processes; `None` if all is told."""
        ended = run.c.state.not_in(UNFINISHED)
        rested = sa.or_(telling.c.not_before.is_(None), telling.c.not_before <= clock)
        due = (
            sa.select(telling.c.run_id, telling.c.state)
            .join(run, run.c.id == telling.c.run_id)
            .where(
                telling.c.place == self._place,
                sa.not_(telling.c.settled),
                # The end of a run is what people wait for: a pause does not hold it up, what GitHub has said does.
                sa.or_(rested, sa.and_(ended, telling.c.error.is_(None))),
                sa.or_(run.c.revision > telling.c.told, ended),
            )
            .order_by(sa.not_(ended), telling.c.updated_at)
            .limit(1)
            .with_for_update(skip_locked=True, of=telling)
        )
        with self._database.begin() as connection:
            row = connection.execute(due).one_or_none()
            if row is None:
                yield None
                return
            held = Telling(RunId(row.run_id), self._read(row.state), clock)
            yield held
            connection.execute(
                sa.update(telling).where(self._of(held.run_id)).values(**held.values, updated_at=sa.func.now())
            )

    def shown(self, run_id: RunId) -> S | None:
        """What was made there for a run; `None` if nobody is told of it."""
        with self._database.begin() as connection:
            row = connection.execute(sa.select(telling.c.state).where(self._of(run_id))).one_or_none()
        return None if row is None else self._read(row.state)

    def _of(self, run_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(telling.c.run_id == run_id, telling.c.place == self._place)

    def _read(self, state: object) -> S:
        """What cannot be read is found again."""
        try:
            return self._shown.model_validate(state)
        except ValidationError:
            return self._shown()


class Tellings(TellingsIn[Shown]):
    """What is told on GitHub."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "forge", Shown)

    def found_check(self, run_id: str, sha: str, check: int) -> bool:
        """A check run of that run is on that commit, and goes on: the run is told of anew, so that it ends with it.

        Returns false for what is no run that people are told of.
        """
        query = sa.select(telling.c.state).where(self._of(run_id)).with_for_update()
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return False
            shown = self._read(row.state)
            shown.checks.setdefault(sha, check)
            change = sa.update(telling).where(self._of(run_id))
            connection.execute(change.values(state=shown.model_dump(mode="json"), settled=False))
        return True
