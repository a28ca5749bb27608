"""A run whose money is used up while it tests: its app is stopped, and it ends with what it has found out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from runner.budget.ledger import Ledger
from runner.model import RunId
from tests.runner.test_attempts import missing


def books(database, run_id: str, usd: str) -> None:
    """A bill comes for what a run has built first."""
    Ledger(database, lambda: datetime.now(UTC)).bill(RunId(run_id), "build-1", Decimal(usd))


@pytest.mark.long
def test_a_bill_that_uses_up_the_limit_stops_the_app_and_ends_the_run(bench, database):
    going_on = bench.start("up", target="elsewhere", faults=[missing("gguf")], behaviour="hangs", drafts=True)
    bench.until(lambda: bench.journal().count("test started") == 1)
    (record,) = bench.runs()
    books(database, record["id"], "20.50")
    result = going_on.result()
    assert (result["state"], result["attempts"], result["endpoint"]) == ("over-budget", 2, None)
    assert result["reason"].startswith("test: the limit of this run, $20.00, is used up, so the test was stopped")
    (ended,) = bench.runs()
    (tried,) = ended["progress"]["attempts"]
    assert (ended["state"], tried["number"]) == ("over-budget", 1)
    assert "gguf" in tried["change"]
    assert any("gguf" in subject for subject in bench.commits("flowberth/poster"))  # what it has learned so far
    assert {line["state"] for line in bench.do("money", run_id=record["id"])["lines"]} == {"spent", "billed"}
    assert bench.leftovers() == []


@pytest.mark.long
def test_a_run_that_ended_over_budget_may_be_asked_for_again(bench, database):
    first = bench.do("up", target="elsewhere", budget_usd=0.5, drafts=True)
    assert first["state"] == "over-budget"
    second = bench.do("up", target="elsewhere", drafts=True)
    assert second["state"] == "succeeded", second["reason"]
    assert second["run_id"] != first["run_id"]


def test_what_a_crash_has_left_does_not_count_as_running(bench, database):
    """Its time goes on in the ledger, and would be used up one day though nothing runs any more."""
    bench.do_until_killed("up", target="elsewhere", kill_at="test detail", drafts=True)
    (record,) = bench.runs()
    ledger = Ledger(database, lambda: datetime.now(UTC))
    run_id = RunId(record["id"])
    ledger.reserve(run_id, "test-1~2", Decimal("0.1"), what="test")
    assert [line.key for line in ledger.state(run_id).running] == []
    ledger.start(run_id, "test-1~2", Decimal("0.0001"))
    assert [line.key for line in ledger.state(run_id).running] == ["test-1~2"]
