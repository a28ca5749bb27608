"""What workers do with deliveries: each is handled by one at a time, none is lost, none is tried for ever."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from github_app.server.deliveries import KEEP, MAX_ATTEMPTS, RETRY_SECONDS, Arrivals, Deliveries, Delivery
from runner.database import Database
from runner.errors import DatabaseUnavailable
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import guid, until


def arrival(number: int = 0, **said: object) -> Delivery:
    return Delivery(
        **{"guid": guid(), "event": "issues", "action": "opened", "installation": number, "payload": b"{}"} | said
    )


def claimed(deliveries: Deliveries) -> Delivery:
    found = deliveries.claim()
    assert found is not None
    return found


def test_they_are_claimed_in_the_order_of_their_arrival(deliveries: Deliveries) -> None:
    sent = [arrival(number) for number in range(5)]
    assert deliveries.store(sent) == 5
    assert [claimed(deliveries).installation for _ in sent] == [0, 1, 2, 3, 4]
    assert deliveries.claim() is None


def test_what_is_claimed_is_what_was_stored(deliveries: Deliveries) -> None:
    sent = arrival(9, payload=b"\x00\xff", action=None)
    deliveries.store([sent])
    assert claimed(deliveries) == Delivery(sent.guid, "issues", None, 9, b"\x00\xff", attempts=1)


def test_storing_twice_is_storing_once(deliveries: Deliveries, rows: Rows) -> None:
    one = arrival()
    assert [deliveries.store([one, one]), deliveries.store([one])] == [1, 0]
    assert rows.guids() == [one.guid]
    assert deliveries.known([one.guid, guid()]) == {one.guid}


def test_each_end_is_on_record(deliveries: Deliveries, rows: Rows) -> None:
    deliveries.store(arrival(number) for number in range(3))
    deliveries.handled(claimed(deliveries))
    deliveries.ignored(claimed(deliveries))
    deliveries.failed(claimed(deliveries), "no such repository")
    assert [(row.state, row.error) for row in rows.all()] == [
        ("handled", None), ("ignored", None), ("failed", "no such repository")
    ]  # fmt: skip
    assert deliveries.claim() is None


def test_many_workers_never_have_the_same_one(database: Database, deliveries: Deliveries) -> None:
    deliveries.store(arrival(number) for number in range(60))
    taken: list[str] = []

    def work() -> None:
        with Deliveries(database) as own:
            while (found := own.claim()) is not None:
                taken.append(found.guid)
                own.handled(found)

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(work) for _ in range(6)]:
            done.result()
    assert len(taken) == len(set(taken)) == 60


def test_threads_of_one_worker_share_its_claims(deliveries: Deliveries) -> None:
    deliveries.store(arrival(number) for number in range(40))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: claimed(deliveries).guid, range(40)))
    assert len(set(found)) == 40


def test_a_later_time_is_respected(deliveries: Deliveries, rows: Rows) -> None:
    deliveries.store([arrival()])
    deliveries.again(claimed(deliveries), "GitHub is busy", not_before=datetime.now(UTC) + timedelta(hours=1))
    assert deliveries.claim() is None
    row = rows.one()
    assert (row.state, row.error) == ("received", "GitHub is busy")
    rows.change(row.guid, not_before=datetime.now(UTC) - timedelta(seconds=1))
    assert claimed(deliveries).attempts == 2


def test_after_five_attempts_it_has_failed(deliveries: Deliveries, rows: Rows) -> None:
    deliveries.store([arrival()])
    waits: list[float] = []
    for _ in range(MAX_ATTEMPTS):
        deliveries.again(claimed(deliveries), "502")
        row = rows.one()
        if row.state == "received":
            waits.append(round((row.not_before - row.updated_at).total_seconds()))
        rows.change(row.guid, not_before=None)
    assert waits == list(RETRY_SECONDS)
    assert (rows.one().state, rows.one().error) == ("failed", "502")


def test_waiting_because_github_asks_for_it_is_no_attempt(deliveries: Deliveries, rows: Rows) -> None:
    deliveries.store([arrival()])
    for _ in range(3 * MAX_ATTEMPTS):
        deliveries.again(claimed(deliveries), "limit", not_before=datetime.now(UTC), counts=False)
    assert (rows.one().state, rows.one().attempts) == ("received", 0)


def test_what_failed_can_be_taken_again(deliveries: Deliveries) -> None:
    one = arrival()
    deliveries.store([one])
    assert not deliveries.take_again(one.guid)  # it has not failed
    deliveries.failed(claimed(deliveries), "no")
    assert deliveries.take_again(one.guid)
    assert claimed(deliveries).attempts == 1
    assert not deliveries.take_again(guid())


CLAIM_AND_DIE = """
import os, signal, sys
from pathlib import Path
from github_app.server.deliveries import Deliveries
from runner.database import Database
with Database(Path(sys.argv[1]), sys.argv[2]) as database:
    assert Deliveries(database).claim() is not None
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_is_killed_holds_nothing_and_its_attempts_count(
    deliveries: Deliveries, rows: Rows, database_url: str, tmp_path
) -> None:
    deliveries.store([arrival()])
    for attempt in (1, 2):
        killed = subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, tmp_path, database_url], check=False)
        assert killed.returncode == -9
        assert (rows.one().state, rows.one().attempts) == ("received", attempt)
    assert until(deliveries.claim).attempts == 3


def test_what_kills_every_worker_is_given_up(database: Database, deliveries: Deliveries, rows: Rows) -> None:
    def nothing_is_held() -> bool:
        held = sa.text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        with database.begin() as connection:
            return connection.scalar(held) == 0

    deliveries.store([arrival(1), arrival(2)])
    for _ in range(MAX_ATTEMPTS):
        with Deliveries(database) as dies:
            assert claimed(dies).installation == 1
        until(nothing_is_held)  # Postgres notices in its own time that a session has gone
    found = until(deliveries.claim)
    assert found.installation == 2
    first = rows.all()[0]
    assert first.state == "failed"
    assert "worker ended" in first.error


def test_a_claim_is_let_go_for_others(database: Database, deliveries: Deliveries) -> None:
    deliveries.store([arrival()])
    mine = claimed(deliveries)
    with Deliveries(database) as other:
        assert other.claim() is None
        deliveries.let_go(mine)
        assert claimed(other).guid == mine.guid


def cut_off(database: Database) -> None:
    """Every other session is ended, as when Postgres restarts."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def test_a_lost_session_is_said_and_then_made_anew(deliveries: Deliveries, database: Database, rows: Rows) -> None:
    deliveries.store([arrival(1), arrival(2)])
    mine = claimed(deliveries)
    cut_off(database)
    with pytest.raises(DatabaseUnavailable, match="lost PostgreSQL"):
        deliveries.claim()
    assert claimed(deliveries).installation == 2  # not the one that is being handled here
    deliveries.handled(mine)
    assert rows.all()[0].state == "handled"


def test_settled_ones_are_forgotten_after_a_week_and_open_ones_never(deliveries: Deliveries, rows: Rows) -> None:
    sent = [arrival(number) for number in range(4)]
    deliveries.store(sent)
    for settle in (deliveries.handled, deliveries.ignored, deliveries.handled):
        settle(claimed(deliveries))
    long_ago = datetime.now(UTC) - KEEP - timedelta(minutes=1)
    for old in (sent[0], sent[1], sent[3]):
        rows.change(old.guid, updated_at=long_ago)
    assert deliveries.prune() == 2
    assert [row.installation for row in rows.all()] == [2, 3]


@pytest.fixture
def arrivals(database: Database) -> Iterator[Arrivals]:
    listening = Arrivals(database)
    yield listening
    listening.close()


def test_who_waits_is_woken_at_once(arrivals: Arrivals, deliveries: Deliveries) -> None:
    assert arrivals.wait(0)  # the first look never waits
    woken: list[float] = []
    waiting = threading.Thread(target=lambda: woken.append(time.monotonic()) if arrivals.wait(30) else None)
    waiting.start()
    sent = time.monotonic()
    deliveries.store([arrival()])
    waiting.join(30)
    assert woken[0] - sent < 5
    assert not arrivals.wait(0.05)


def test_a_listener_that_was_cut_off_says_so_and_listens_again(arrivals: Arrivals, database: Database) -> None:
    arrivals.wait(0)
    cut_off(database)
    with pytest.raises(DatabaseUnavailable):
        arrivals.wait(30)
    assert arrivals.wait(0)


def test_one_process_sweeps_until_it_ends(database: Database, deliveries: Deliveries) -> None:
    with Deliveries(database) as first:
        assert first.may_sweep()
        assert first.may_sweep()
        assert not deliveries.may_sweep()
    assert until(deliveries.may_sweep)
