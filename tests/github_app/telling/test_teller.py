from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from github_app.github.errors import Busy
from github_app.telling.teller import Teller
from github_app.telling.tellings import Tellings
from runner.model import GithubRepository, RunRequest
from runner.records import RunRecords
from runner.tables import run, telling


class Notebook:
    """Takes the place of GitHub: notes what it is told, and fails where it is to."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.hostile: set[str] = set()
        self.busy_until: datetime | None = None

    def run(self, record, _request, _shown) -> None:
        if self.busy_until is not None:
            raise Busy("GitHub has asked to wait", until=self.busy_until)
        if record.id in self.hostile:
            raise LookupError("a page that cannot be rendered: \0")
        self.told.append(record.id)


class Office:
    def __init__(self, database) -> None:
        self.database = database
        self.records = RunRecords(database)
        self.now = datetime.now(UTC)
        self.notebook = Notebook()
        self.teller = Teller(Tellings(database), self.records, self.notebook, lambda: self.now)

    def ask(self, name):
        repo = GithubRepository(installation=1, id=2, full_name="alice/apps")
        request = RunRequest(repo=repo, base="main", filename="poster.json", workflow=b"{}")
        return self.records.add(request, name, protocol="1", key=name, told=True)

    def spoil(self, table, condition, **values) -> None:
        with self.database.begin() as connection:
            connection.execute(sa.update(table).where(condition).values(**values))

    def tell_all(self) -> list[str]:
        """Whom of there was something to tell, at this moment."""
        self.notebook.told.clear()
        for _ in range(20):
            if not self.teller.once():
                return self.notebook.told
        raise AssertionError("it spins")

    def waits(self, record) -> timedelta:
        query = sa.select(telling.c.not_before).where(telling.c.run_id == record.id)
        with self.database.begin() as connection:
            return connection.scalar(query) - self.now


@pytest.fixture
def office(database):
    yield Office(database)
    with database.begin() as connection:
        connection.execute(sa.delete(run))


def test_what_cannot_be_told_of_one_run_keeps_no_other_from_being_told(office):
    hostile, ours = office.ask("banner"), office.ask("poster")
    office.notebook.hostile.add(hostile.id)
    assert office.tell_all() == [ours.id]


def test_it_is_put_off_longer_each_time_and_told_when_it_can_be(office):
    record = office.ask("banner")
    office.notebook.hostile.add(record.id)
    waits: list[float] = []
    for _ in range(12):
        assert office.tell_all() == []
        waits.append(office.waits(record).total_seconds())
        office.now += office.waits(record)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    office.notebook.hostile.clear()
    assert office.tell_all() == [record.id]


def test_rows_that_cannot_be_read_keep_no_other_run_from_being_told(office):
    broken, forgotten, ours = office.ask("banner"), office.ask("flyer"), office.ask("poster")
    office.spoil(run, run.c.id == broken.id, step="no-such-step")
    office.spoil(telling, telling.c.run_id == forgotten.id, state={"comment": "no number"})
    assert office.tell_all() == [forgotten.id, ours.id]


def test_the_more_runs_go_on_the_longer_is_the_pause_and_the_end_is_told_at_once(office):
    records = [office.ask(name) for name in ("banner", "flyer", "poster")]
    assert office.tell_all() == [record.id for record in records]
    assert [office.waits(record).total_seconds() for record in records] == [9, 9, 9]
    office.spoil(run, run.c.id == records[0].id, state="running", revision=run.c.revision + 1)
    office.spoil(run, run.c.id == records[1].id, state="failed", revision=run.c.revision + 1)
    assert office.tell_all() == [records[1].id]
    office.now += timedelta(seconds=9)
    assert office.tell_all() == [records[0].id]


def test_when_github_has_asked_to_wait_the_end_waits_too(office):
    record = office.ask("banner")
    office.notebook.busy_until = office.now + timedelta(minutes=1)
    assert office.tell_all() == []
    office.spoil(run, run.c.id == record.id, state="failed", revision=run.c.revision + 1)
    assert office.tell_all() == []
    office.now += timedelta(minutes=1)
    office.notebook.busy_until = None
    assert office.tell_all() == [record.id]
