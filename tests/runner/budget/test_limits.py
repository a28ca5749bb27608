"""Below every limit at once: of the run, of the repository's month, and of the installation's month."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from runner.budget.errors import OverBudget
from runner.budget.limits import Limits, month_of
from tests.runner.budget.payers import usd


def refusal(ledger, run, key, amount) -> OverBudget:
    with pytest.raises(OverBudget) as refused:
        ledger.reserve(run, key, usd(amount), what="test")
    assert key not in [line.key for line in ledger.state(run).lines]
    return refused.value


def test_a_run_has_twenty_dollars_unless_somebody_says_otherwise(payers):
    assert payers.ledger().state(payers.run()).limit == 20
    assert payers.ledger().state(payers.run(budget=50)).limit == 50
    assert payers.ledger(run_usd="30").state(payers.run()).limit == 30
    assert payers.ledger(run_usd="30").state(payers.run(budget=50)).limit == 30
    assert payers.ledger(run_usd="30").state(payers.run(budget=0.1)).limit == usd("0.1")


def test_runs_of_a_repository_share_its_month(payers):
    ledger, repo = payers.ledger(), payers.repository()
    first, second = payers.run(repo, monthly=10), payers.run(repo, monthly=10)
    ledger.reserve(first, "test-1", usd(6), what="test")
    assert str(refusal(ledger, second, "test-1", 5)) == snapshot(
        "the test may cost up to $5.00, which does not fit below the limit of the repository for this month, $10.00: $0.00 spent and $6.00 reserved; `monthly_budget_usd` in .github/flowberth.yml sets it, and a new month begins with nothing spent"
    )
    ledger.reserve(second, "test-1", usd(4), what="test")
    ledger.reserve(payers.run(payers.repository(repo.installation), monthly=10), "test-1", usd(10), what="test")


def test_repositories_of_an_installation_share_its_month(payers):
    ledger, repo = payers.ledger(monthly_usd="15"), payers.repository()
    ledger.reserve(payers.run(repo), "test-1", usd(10), what="test")
    other = payers.run(payers.repository(repo.installation), monthly=12)
    refused = refusal(ledger, other, "test-1", 6)
    assert (refused.limit_name, refused.limit, refused.reserved) == ("installation", 15, 10)
    ledger.reserve(other, "test-1", usd(5), what="test")
    ledger.reserve(payers.run(), "test-1", usd(15), what="test")  # of another installation


def test_repositories_on_one_machine_share_a_month_too(payers):
    ledger = payers.ledger(monthly_usd="15")
    ledger.reserve(payers.run(Path("/pictures")), "test-1", usd(10), what="test")
    assert refusal(ledger, payers.run(Path("/films")), "test-1", 6).limit_name == "installation"
    ledger.reserve(payers.run(), "test-1", usd(15), what="test")  # of an installation


def test_a_renamed_repository_keeps_its_month(payers):
    ledger, repo = payers.ledger(), payers.repository()
    ledger.reserve(payers.run(repo, monthly=10), "test-1", usd(6), what="test")
    renamed = repo.model_copy(update={"full_name": "people/films"})
    refusal(ledger, payers.run(renamed, monthly=10), "test-1", 5)


def test_a_new_month_is_new_money_and_the_old_one_keeps_its_lines(payers):
    ledger, repo = payers.ledger(), payers.repository()
    run = payers.run(repo, monthly=10)
    payers.clock.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    ledger.reserve(run, "test-1", usd(9), what="test")
    payers.clock.passes(minutes=2)
    ledger.reserve(payers.run(repo, monthly=10), "test-1", usd(10), what="test")
    ledger.spend(run, "test-1", usd(9))
    ledger.bill(run, "test-1", usd(9))
    assert [f"{line.month:%Y-%m}" for line in ledger.state(run).lines] == ["2026-11"]
    payers.clock.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert refusal(ledger, payers.run(repo, monthly=10), "test-1", 2).spent == 9


def test_months_change_for_everybody_at_the_same_moment():
    assert month_of(datetime.fromisoformat("2026-12-01T00:30:00+01:00")).isoformat() == "2026-11-01"


def test_what_a_bill_may_add_is_held_back_until_it_has_come(payers):
    """Otherwise two halves of a limit, each estimated a little too low, would make more than the limit."""
    ledger, run = payers.ledger(), payers.run(budget=10)
    ledger.reserve(run, "test-1", usd(8), what="test")
    ledger.spend(run, "test-1", usd(4))
    assert ledger.state(run).estimated == 4
    assert refusal(ledger, run, "test-2", "5.000001").spent == 5
    ledger.reserve(run, "test-2", usd(5), what="test")
    ledger.release(run, "test-2")
    ledger.bill(run, "test-1", usd(3))
    ledger.reserve(run, "test-2", usd(7), what="test")
    ledger.spend(run, "test-2", usd("6.5"))
    assert refusal(ledger, run, "test-3", "0.01").spent == 10  # never more than was reserved


def test_a_bill_above_what_was_reserved_is_booked_whole_and_ends_the_spending(payers):
    ledger, run = payers.ledger(), payers.run(budget=10)
    ledger.reserve(run, "test-1", usd(2), what="test")
    ledger.spend(run, "test-1", usd(3))
    assert ledger.state(run).estimated == 3
    ledger.bill(run, "test-1", usd(12))
    money = ledger.state(run)
    assert (money.actual, money.best) == (12, 12)
    assert [alert.percent for alert in money.alerts] == [80, 100]
    refusal(ledger, run, "test-2", "0.000001")


def test_limits_are_amounts_of_money():
    with pytest.raises(ValueError, match="no amount of US dollars"):
        Limits.model_validate({"run_usd": "-5"})
