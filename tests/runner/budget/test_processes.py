"""Several processes spend below the same limits, and some of them are killed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.budget.ledger import Ledger
from runner.errors import DatabaseUnavailable
from tests.runner.budget.payers import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.model import RunId

ROUNDS = 8
ROOT = Path(__file__).parents[3]
BEGINNING = """
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from runner.budget.errors import OverBudget
from runner.budget.ledger import Ledger
from runner.budget.limits import Limits
from runner.database import Database
from runner.model import RunId

database = Database(Path("."), sys.argv[1])
ledger = Ledger(database, lambda: datetime(2026, 11, 21, 12, tzinfo=UTC), Limits(monthly_usd=Decimal(20)))
mine, runs = sys.argv[2], [RunId(run) for run in sys.argv[3:]]
print("ready", flush=True)
sys.stdin.readline()
"""
GREEDY = """
for run in runs:
    try:
        ledger.reserve(run, mine, Decimal(11), what="test")
        print("got it", flush=True)
    except OverBudget as error:
        print(error.limit_name, flush=True)
    sys.stdin.readline()
"""
DIES_BETWEEN = """
ledger.reserve(runs[0], "test-1", Decimal(15), what="test")
print("reserved", flush=True)
sys.stdin.readline()
"""
DIES_INSIDE = """
with ledger._changing(runs[0]) as (connection, account, now):
    connection.exec_driver_sql("INSERT INTO flowberth.ledger_line (run_id, key, repo, month, what, reserved) "
        f"VALUES ('{runs[0]}', 'half', 'x', '2026-11-01', 'test', 15)")
    print("halfway", flush=True)
    sys.stdin.readline()
"""
FREEZES_INSIDE = "ledger = Ledger(database, ledger._clock, patience_seconds=2)" + DIES_INSIDE


@contextmanager
def process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """That has connected, and waits for a line before it goes on."""
    with subprocess.Popen(
        [sys.executable, "-c", BEGINNING + program, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def says(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


def goes_on(started: subprocess.Popen[str]) -> None:
    assert started.stdin is not None
    started.stdin.write("go\n")
    started.stdin.flush()


def test_of_processes_that_ask_at_the_same_moment_one_gets_it(payers, database_url):
    """Round after round: runs of two repositories of a new installation, of which twenty dollars are enough for one."""
    rounds: list[list[RunId]] = []
    for _ in range(ROUNDS):
        repo = payers.repository()
        rounds.append([payers.run(repo), payers.run(repo), payers.run(payers.repository(repo.installation))])
    runs = list(zip(*rounds, strict=True))
    with (
        process(GREEDY, database_url, "a", *runs[0]) as one,
        process(GREEDY, database_url, "b", *runs[1]) as two,
        process(GREEDY, database_url, "c", *runs[2]) as three,
    ):
        crowd = (one, two, three)
        assert [says(each) for each in crowd] == ["ready"] * 3
        for _ in rounds:
            for each in crowd:
                goes_on(each)
            assert Counter(says(each) for each in crowd) == {"got it": 1, "installation": 2}
        for each in crowd:
            goes_on(each)
        assert [each.wait(60) for each in crowd] == [0] * 3


def test_a_process_that_is_frozen_in_the_middle_of_a_change_loses_it_to_those_who_wait(payers, database_url):
    run = payers.run()
    with process(FREEZES_INSIDE, database_url, "a", run) as started:
        assert says(started) == "ready"
        goes_on(started)
        assert says(started) == "halfway"
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            Ledger(payers.database, payers.clock, patience_seconds=0.1).reserve(run, "test-1", usd(20), what="test")
        payers.ledger().reserve(run, "test-1", usd(20), what="test")
    assert [line.key for line in payers.ledger().state(run).lines] == ["test-1"]


def test_what_a_killed_process_has_reserved_keeps_counting_until_it_is_settled(payers, database_url):
    run = payers.run()
    ledger = payers.ledger(monthly_usd="20")
    with process(DIES_BETWEEN, database_url, "a", run) as started:
        assert says(started) == "ready"
        goes_on(started)
        assert says(started) == "reserved"
        started.kill()
    assert ledger.state(run).reserved == 15
    assert not ledger.reserve(run, "test-1", usd(15), what="test").fresh
    assert [line.key for line in ledger.settle_abandoned([run])] == ["test-1"]
    assert ledger.settle_abandoned([run]) == ()
    money = ledger.state(run)
    assert (money.reserved, money.estimated, money.lines[0].detail) == (0, 15, {"abandoned": True})
    ledger.bill(run, "test-1", usd(2))
    assert ledger.state(run).best == 2


def test_a_process_that_is_killed_in_the_middle_of_a_change_has_changed_nothing_and_holds_nobody_up(
    payers, database_url
):
    run = payers.run()
    with process(DIES_INSIDE, database_url, "a", run) as started:
        assert says(started) == "ready"
        goes_on(started)
        assert says(started) == "halfway"
        started.kill()
    ledger = payers.ledger(monthly_usd="20")
    ledger.reserve(run, "test-1", usd(20), what="test")
    assert [line.key for line in ledger.state(run).lines] == ["test-1"]
