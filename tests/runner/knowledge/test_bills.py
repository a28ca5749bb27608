"""The ledger tells what an entry's deployment has cost, once all of its bills have come, and only of runs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.knowledge.bills import bills_of
from runner.knowledge.entry import ActualCost
from runner.model import repository_key
from runner.records import RunRecords
from tests.runner.budget.payers import Payers, usd
from tests.runner.knowledge.test_learnings import entry

if TYPE_CHECKING:
    from runner.database import Database


@pytest.fixture
def payers(database: Database) -> Payers:
    return Payers(database)


def test_what_a_deployment_has_cost_is_told_when_its_last_bill_has_come(payers: Payers, database: Database) -> None:
    ledger, ours = payers.ledger(), payers.repository()
    run = payers.run(ours)
    for what, dollars in (("build", 1), ("models", 2), ("test", 3), ("serve", 4)):
        ledger.reserve(run, f"{what}-1", usd(dollars), what=what)
        ledger.spend(run, f"{what}-1", usd(dollars))
    ledger.reserve(run, "test-2", usd(1), what="test")
    ledger.release(run, "test-2")
    poster = entry("poster", run=run)
    bills = bills_of(ledger, RunRecords(database), repository_key(ours))
    for what, dollars in (("build", "0.9"), ("models", 0), ("test", "2.5")):
        ledger.bill(run, f"{what}-1", usd(dollars))
    ledger.bill(run, "serve-1", usd(1), final=False)
    assert bills(poster) is None
    ledger.bill(run, "serve-1", usd("3.1"))
    assert bills(poster) == ActualCost(run=run, build=0.9, tests=2.5, total=6.5)


def test_nothing_is_told_of_runs_that_are_none_of_the_entrys(payers: Payers, database: Database) -> None:
    """An entry may be written by anybody: it shall not make public what others have paid."""
    ledger, ours, others = payers.ledger(), payers.repository(), payers.repository()
    run = payers.run(others)
    ledger.reserve(run, "test-1", usd(1), what="test")
    ledger.spend(run, "test-1", usd(1), basis="actual")
    theirs, of_ours = (bills_of(ledger, RunRecords(database), repository_key(one)) for one in (others, ours))
    assert theirs(entry("poster", run=run)) is not None
    assert of_ours(entry("poster", run=run)) is None
    assert theirs(entry("another", run=run)) is None
    assert theirs(entry("poster", run="run_22222222222222222222")) is None
    assert theirs(entry("poster", run="../../etc"[-3:])) is None
