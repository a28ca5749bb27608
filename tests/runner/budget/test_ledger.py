"""What a run may spend is reserved before, settled after, and billed later; nothing is counted twice or forgotten."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest
from inline_snapshot import snapshot

from runner.budget.errors import NotReserved, OverBudget
from runner.budget.model import RunMoney
from runner.errors import RunNotFound
from runner.model import RunId
from tests.runner.budget.payers import usd


def test_a_test_on_a_gpu_from_reservation_to_bill(payers):
    ledger, run = payers.ledger(), payers.run()
    assert ledger.reserve(run, "test-1", usd(4), what="test") == (run, "test-1", usd(4), "reserved", True)
    ledger.start(run, "test-1", usd("0.001"))
    payers.clock.passes(seconds=90)
    money = ledger.state(run)
    assert (money.limit, money.reserved, money.estimated, money.actual) == (20, 4, usd("0.09"), None)
    ledger.spend(run, "test-1", usd("0.1"))
    money = ledger.state(run)
    assert (money.reserved, money.estimated, money.actual, money.best) == (0, usd("0.1"), None, usd("0.1"))
    payers.clock.passes(hours=3)
    ledger.bill(run, "test-1", usd("0.08"), final=False)
    assert not ledger.state(run).fully_billed
    ledger.bill(run, "test-1", usd("0.11"))
    money = ledger.state(run)
    assert (money.estimated, money.actual, money.best, money.fully_billed) == (
        usd("0.1"),
        usd("0.11"),
        usd("0.11"),
        True,
    )


def test_what_does_not_fit_below_the_limit_of_the_run_is_not_started(payers):
    ledger, run = payers.ledger(), payers.run(budget=5)
    ledger.reserve(run, "build-1", usd(1), what="build")
    ledger.spend(run, "build-1", usd("0.25"), basis="actual")
    ledger.reserve(run, "models-1", usd(2), what="models")
    with pytest.raises(OverBudget) as refused:
        ledger.reserve(run, "test-1", usd("2.76"), what="test")
    assert str(refused.value) == snapshot(
        "the test may cost up to $2.76, which does not fit below the limit of this run, $5.00: $0.25 spent and $2.00 reserved; `budget_usd` in .github/flowberth.yml sets it, below what the server allows"
    )
    error = pickle.loads(pickle.dumps(refused.value))
    assert (str(error), error.limit_name, error.limit, error.spent, error.reserved, error.asked) == (
        str(refused.value), "run", 5, usd("0.25"), 2, usd("2.76"),
    )  # fmt: skip
    assert [line.key for line in ledger.state(run).lines] == ["build-1", "models-1"]
    ledger.reserve(run, "test-1", usd("2.75"), what="test")


def test_the_same_key_is_the_same_money(payers):
    ledger, run = payers.ledger(), payers.run(budget=5)
    ledger.reserve(run, "test-1", usd(3), what="test")
    assert ledger.reserve(run, "test-1", usd(3), what="test") == (run, "test-1", 3, "reserved", False)
    assert ledger.reserve(run, "test-1", usd(2), what="test").usd == 3
    ledger.start(run, "test-1", usd("0.01"), {"app": "poster-pr1"})
    assert ledger.reserve(run, "test-1", usd(5), what="test").usd == 5
    (line,) = ledger.state(run).lines
    assert (line.started_at, line.detail) == (payers.clock.now, {"app": "poster-pr1"})  # it goes on
    with pytest.raises(OverBudget):
        ledger.reserve(run, "test-1", usd("5.000001"), what="test")
    assert ledger.state(run).reserved == 5
    ledger.spend(run, "test-1", usd(1))
    ledger.spend(run, "test-1", usd("0.5"))
    assert ledger.state(run).estimated == 1
    assert ledger.reserve(run, "test-1", usd(3), what="test").state == "spent"
    assert ledger.state(run).reserved == 0


def test_what_never_started_is_free_again(payers):
    ledger, run = payers.ledger(), payers.run(budget=5)
    ledger.reserve(run, "test-1", usd(5), what="test")
    assert ledger.release(run, "test-1")
    assert not ledger.release(run, "test-1")
    assert not ledger.release(run, "never")
    assert ledger.state(run).reserved == 0
    ledger.reserve(run, "test-2", usd(4), what="test")
    with pytest.raises(OverBudget):
        ledger.reserve(run, "test-1", usd(5), what="test")
    assert ledger.reserve(run, "test-1", usd(1), what="test").fresh
    ledger.spend(run, "test-1", usd(1))
    assert not ledger.release(run, "test-1")
    assert ledger.state(run).estimated == 1


def test_a_run_tells_what_it_has_spent_its_money_on(payers):
    ledger, run = payers.ledger(), payers.run()
    for attempt in (1, 2):
        ledger.reserve(run, f"preflight-{attempt}", usd(1), what="preflight")
        ledger.spend(run, f"preflight-{attempt}", usd("0.01"))
        ledger.reserve(run, f"test-{attempt}", usd(5), what="test")
    ledger.release(run, "test-1")
    ledger.start(run, "test-2", usd("0.001"))
    ledger.bill(run, "preflight-1", usd("0.02"))
    payers.clock.passes(seconds=60)
    money = ledger.state(run)
    assert money.parts == (("preflight", 2, usd("0.02"), usd("0.02")), ("test", 1, usd("0.06"), None))
    assert (money.estimated, money.actual, money.best) == (usd("0.08"), usd("0.02"), usd("0.09"))
    assert RunMoney.model_validate_json(money.model_dump_json()) == money


def test_what_a_target_says_of_a_line_may_be_any_text(payers):
    ledger, run = payers.ledger(), payers.run()
    ledger.reserve(run, "test-1", usd(1), what="test", detail={"app": "a\0b", "title": "\ud83d'; --"})
    ledger.spend(run, "test-1", usd(1), detail={"log": ["\0"]})
    assert ledger.state(run).lines[0].detail == {"app": "a\ufffdb", "title": "?'; --", "log": ["\ufffd"]}


def test_money_that_nobody_reserved_cannot_be_spent(payers):
    ledger, run = payers.ledger(), payers.run()
    for act in (
        lambda: ledger.spend(run, "x", usd(1)),
        lambda: ledger.bill(run, "x", usd(1)),
        lambda: ledger.start(run, "x", usd(1)),
    ):
        with pytest.raises(NotReserved, match="has reserved nothing for 'x'"):
            act()
    ledger.reserve(run, "x", usd(1), what="test")
    ledger.release(run, "x")
    with pytest.raises(NotReserved, match="'x' is released already"):
        ledger.start(run, "x", usd(1))
    with pytest.raises(RunNotFound):
        ledger.reserve(RunId("run_nobody"), "x", usd(1), what="test")


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1000000"])
def test_what_is_no_amount_is_refused(payers, amount):
    ledger, run = payers.ledger(), payers.run()
    with pytest.raises(ValueError, match="no amount of US dollars"):
        ledger.reserve(run, "x", Decimal(amount), what="test")
