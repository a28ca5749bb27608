"""How fast an installation may write, however many processes it is that write."""

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from github_app.github import pace as numbers
from github_app.github.errors import Busy
from github_app.github.pace import Pace
from runner.database import Database
from runner.tables import installation as table

SHORT_SECONDS = 2.0


@pytest.fixture
def someone():
    """An installation of which nobody has heard yet."""
    return secrets.randbelow(10**9)


@pytest.fixture
def other_database(database_url, tmp_path):
    """The same one, as another process has it."""
    with Database(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def other_process(other_database):
    return Pace(other_database)


def fill(database, installation, **levels):
    with database.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.id == installation))
        connection.execute(sa.insert(table).values(id=installation, account="acme", **levels))


def test_a_burst_goes_through_at_once_and_then_whoever_writes_is_busy(database, other_process, someone):
    pace = Pace(database)
    began = time.monotonic()
    for turn in range(numbers.CREATIONS_AT_ONCE):
        (pace if turn % 2 else other_process).admit_write(someone, creates=True)
    assert time.monotonic() - began < 5
    fill(database, someone, creations=numbers.CREATIONS_AT_ONCE + 19, points=0)
    for either in (pace, other_process):
        with pytest.raises(Busy) as busy:
            either.admit_write(someone, creates=True)
        wait = (busy.value.until - datetime.now(UTC)).total_seconds()
        assert 20 < wait < 24  # twenty above the size, which drain at 50 a minute
    pace.admit_write(someone)  # an edit notifies nobody


def test_a_short_wait_is_waited(database, someone):
    pace = Pace(database)
    fill(database, someone, creations=0, points=numbers.POINTS_AT_ONCE)
    began = time.monotonic()
    pace.admit_write(someone)
    assert 0.2 < time.monotonic() - began < 3


def test_questions_stand_in_line_too(database, someone):
    pace = Pace(database)
    fill(database, someone, creations=0, points=numbers.POINTS_AT_ONCE)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(pace.admit_read, [someone] * 16))
    assert 1.0 < time.monotonic() - began < 4  # sixteen above the size, which drain at 740 a minute


def test_those_who_are_sent_away_do_not_hold_up_those_in_line(database, someone):
    """Work that is put away and taken up again asks anew: that must not take all there is."""
    pace = Pace(database)
    longest = numbers.POINTS_AT_ONCE + numbers.PATIENCE_SECONDS * numbers.POINTS_PER_SECOND
    fill(database, someone, creations=0, points=longest + 100)
    for _ in range(20):
        with pytest.raises(Busy):
            pace.admit_read(someone)
    with database.begin() as connection:
        assert connection.scalar(sa.select(table.c.points).where(table.c.id == someone)) <= longest + 100


def test_mutations_are_counted_apart_and_wait_where_github_asks_to(database, someone):
    pace = Pace(database)
    fill(database, someone, creations=1000, points=10_000)
    pace.admit_mutation(someone)
    pace.admit_mutation(someone + 1)
    pace.block(someone, datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(Busy):
        pace.admit_mutation(someone)


def test_a_bucket_drains_with_time(database, someone):
    pace = Pace(database)
    fill(database, someone, creations=1000, points=1000, drained_at=datetime.now(UTC) - timedelta(hours=1))
    pace.admit_write(someone, creates=True)
    with database.begin() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == someone)).one()
    assert (row.creations, row.points) == (1, numbers.POINTS_OF_A_WRITE)
    assert row.account == "acme"


def test_one_installation_does_not_slow_another(database, someone):
    pace = Pace(database)
    fill(database, someone, creations=1000, points=10_000)
    with pytest.raises(Busy):
        pace.admit_write(someone)
    pace.admit_write(someone + 1, creates=True)


def test_threads_of_two_processes_never_get_more_than_there_is(database, other_database, someone):
    fill(database, someone, creations=numbers.CREATIONS_AT_ONCE - 3, points=0)
    processes = [Pace(database, SHORT_SECONDS), Pace(other_database, SHORT_SECONDS)]

    def write(pace):
        try:
            pace.admit_write(someone, creates=True)
        except Busy:
            return 0
        return 1

    with ThreadPoolExecutor(16) as threads:
        admitted = sum(threads.map(write, processes * 10))
    # three at once, and those that drain in the two seconds that are waited for
    assert 3 <= admitted <= 3 + 1 + 2 * SHORT_SECONDS * numbers.CREATIONS_PER_SECOND


def test_when_github_asks_to_wait_nobody_asks_anything_until_then(database, other_process, someone):
    pace, until = Pace(database), datetime.now(UTC) + timedelta(minutes=5)
    pace.block(someone, until)
    pace.block(someone, until - timedelta(minutes=2))  # an older answer that comes in late
    for ask in (pace.admit_read, pace.admit_write, other_process.admit_read, other_process.admit_write):
        with pytest.raises(Busy) as busy:
            ask(someone)
        assert busy.value.until == until
    pace.admit_read(someone + 1)


def test_a_wait_that_is_over_is_over(database, someone):
    pace = Pace(database)
    pace.block(someone, datetime.now(UTC) - timedelta(seconds=1))
    pace.admit_read(someone)
    pace.admit_write(someone)


def test_one_has_the_turn_at_a_time_in_all_processes(database, other_process):
    inside, most, guard = 0, 0, threading.Lock()

    def work(pace):
        nonlocal inside, most
        with pace.turn("comment 1"):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, [Pace(database), other_process] * 6))
    assert most == 1


def test_many_turns_at_once_leave_connections_for_the_work_inside(database):
    pace = Pace(database)
    ids = [secrets.randbelow(10**9) for _ in range(40)]

    def work(one):
        with pace.turn(f"comment {one}"):
            pace.admit_write(one)

    with ThreadPoolExecutor(40) as threads:
        list(threads.map(work, ids))
