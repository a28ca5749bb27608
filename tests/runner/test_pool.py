"""Runs that are carried out as they are asked for, in this process: what must not keep them from it, and what is done
with what they leave serving."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from runner.lookups.offline import Offline
from runner.model import RunRequest
from runner.pool import RunPool
from runner.records import RunRecords
from runner.runs import Runs
from runner.services import Services
from runner.serving import MOST_SHORT_LIVES
from runner.tables import run as table
from tests.runner.bench import PATIENCE_SECONDS, POSTER, git
from tests.runner.light import FileForge, Journal, ThreadTarget
from worktrees.mirror import Mirror


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def nothing() -> None:
    pass


class Place:
    """A repository, and everything that carries out runs for it, in this process."""

    def __init__(self, bench, database) -> None:
        self.bench = bench
        self.database = database
        self.records = RunRecords(database)
        self.target = ThreadTarget()
        self.now: datetime | None = None
        self.at_finish = nothing
        data_dir = bench.folder / "data"
        self.services = Services(
            target=self.target,
            forge=lambda repo: FileForge(bench.folder / "pulls.json"),
            mirror=lambda repo: Mirror(data_dir, repo),
            data_dir=data_dir,
            progress=Journal(bench.folder / "journal", "finish detail", self._at_finish),
            lookups=Offline(),
            clock=lambda: self.now or datetime.now(UTC),
        )
        self.runs = Runs(database, self.services)

    def _at_finish(self) -> None:
        self.at_finish()

    def ask(self, name="poster", **options):
        request = RunRequest(
            repo=self.bench.repo,
            base="main",
            filename="poster.json",
            workflow=POSTER.encode(),
            name=name,
            keep=True,
            **options,
        )
        key = f"{self.bench.folder} {name} {len(self.records.newest(1000))}"
        return self.runs.ask(request, name, key=key)

    def get(self, record):
        return self.records.get(record.id)

    def spoil(self, record, **values) -> None:
        with self.database.begin() as connection:
            connection.execute(sa.update(table).where(table.c.id == record.id).values(**values))

    @contextmanager
    def pool(self):
        stop = threading.Event()
        pool = RunPool(self.runs, 2)
        thread = threading.Thread(target=pool.serve, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            pool.wake()
            thread.join()

    def ended(self, record):
        until(lambda: self.get(record).finished)
        return self.get(record)

    def serving(self) -> set[str]:
        return {record.id for record in self.records.left_serving() if record.repo == str(self.bench.repo)}


@pytest.fixture
def place(bench, database):
    made = Place(bench, database)
    yield made
    made.runs.close()
    with database.begin() as connection:
        connection.execute(sa.delete(table))


@pytest.mark.long
def test_a_row_that_cannot_be_read_keeps_no_other_run_from_going_on(place):
    of_another_version, ours = place.ask("banner"), place.ask()
    place.spoil(of_another_version, step="no-such-step")
    assert place.records.unfinished_ids() == {of_another_version.id, ours.id}
    with place.pool():
        assert place.ended(ours).state == "succeeded"


def test_a_request_that_cannot_be_read_keeps_no_other_run_from_going_on(place):
    of_another_version, ours = place.ask("banner"), place.ask()
    place.spoil(of_another_version, request={"filename": "x.json", "no": "such field"})
    with place.pool():
        assert place.ended(ours).state == "succeeded"
    assert not place.get(of_another_version).finished


@pytest.mark.long
def test_the_pool_outlives_what_it_does_not_know(place, caplog):
    with place.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE flowberth.run RENAME TO elsewhere"))
    with place.pool():
        until(lambda: "looking for what is due" in caplog.text)
        with place.database.begin() as connection:
            connection.execute(sa.text("ALTER TABLE flowberth.elsewhere RENAME TO run"))
        assert place.ended(place.ask()).state == "succeeded"


def test_a_run_that_was_put_away_is_due_at_once_when_it_is_to_end(place):
    record = place.ask()
    place.records.park(record.id, datetime.now(UTC) + timedelta(hours=1))
    assert place.runs.due() == ()
    place.records.want_cancelled(record.id, "cancelled by alice")
    with place.pool():
        assert place.ended(record).reason == "cancelled by alice"


def test_a_run_that_is_asked_to_end_in_its_last_moment_leaves_nothing_serving(place):
    record = place.ask()
    place.at_finish = lambda: place.records.want_cancelled(record.id, "the pull request was closed by alice")
    with place.pool():
        end = place.ended(record)
    assert (end.state, end.reason) == ("cancelled", "the pull request was closed by alice")
    assert end.result is not None
    assert end.result.endpoint is None
    assert not place.target.serves(record.id)


def test_a_run_is_kept_as_it_ended_when_its_end_is_asked_for_too_late(place):
    record = place.ask()
    with place.pool():
        place.ended(record)
    place.records.want_cancelled(record.id, "too late")
    assert place.get(record).state == "succeeded"
    assert place.serving() == {record.id}


def in_production(place):
    """The app, as it was merged and deployed."""
    proposed = place.ask()
    with place.pool():
        merged = place.ended(proposed).result.commit
        git(place.bench.repo, "update-ref", "refs/heads/main", merged)
        there = place.ask(kind="production", environment="production", commit=merged)
        assert place.ended(there).state == "succeeded", place.get(there).reason
    return there


@pytest.mark.long
def test_production_that_has_died_is_brought_back(place):
    there = in_production(place)
    place.target.stop(there.id)
    place.runs.serving.restore()
    (again,) = place.runs.due()
    assert (again.environment, again.lane) == ("production", there.lane)
    place.runs.serving.restore()
    assert place.runs.due() == (place.get(again),)
    with place.pool():
        place.ended(again)
    assert place.target.serves(again.id)


@pytest.mark.long
def test_production_is_brought_back_though_a_later_version_never_came_up(place):
    there = in_production(place)
    request = place.records.request(there.id)
    later = place.runs.ask(request, there.name, key="later")
    place.target.stop(there.id)
    place.runs.serving.restore()
    assert place.runs.due() == (place.get(later),)  # it may still take the place
    place.records.want_cancelled(later.id, "cancelled by alice")
    with place.pool():
        place.ended(later)
    place.runs.serving.restore()
    (again,) = place.runs.due()
    assert again.number > later.number


@pytest.mark.long
def test_production_that_dies_again_and_again_is_left_to_people(place, caplog):
    served = in_production(place)
    place.now = datetime.now(UTC)
    pauses: list[float] = []
    for _ in range(MOST_SHORT_LIVES):
        place.target.stop(served.id)
        place.runs.serving.restore()
        (waiting,) = place.records.unfinished(served.lane)
        due = waiting.not_before or place.now
        pauses.append((due - place.now).total_seconds() / 60)
        place.now = due
        with place.pool():
            served = place.ended(waiting)
        place.spoil(served, created_at=place.now)
    place.target.stop(served.id)
    place.runs.serving.restore()
    assert place.records.unfinished(served.lane) == ()
    assert pauses == [0, 10, 20]
    assert "not brought back into production any more" in caplog.text


@pytest.mark.long
def test_previews_that_are_too_many_make_way_though_nobody_saw_to_it(place):
    with place.pool():
        previews = [place.ended(place.ask(name)) for name in ("first", "second")]
    assert place.serving() == {preview.id for preview in previews}
    Runs(place.database, replace(place.services, most_previews=1)).serving.restore()
    assert place.serving() == {previews[1].id}
    assert not place.target.serves(previews[0].id)


def test_a_name_that_was_given_meanwhile_is_seen(place):
    repo = str(place.bench.repo)
    assert place.records.newest_number(repo) == 0
    place.ask("banner")
    before = place.records.newest_number(repo)
    assert place.records.names_since(repo, before) == frozenset()
    place.ask("poster")
    assert place.records.names_since(repo, before) == {"poster"}
