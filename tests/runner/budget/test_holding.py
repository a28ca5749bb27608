"""Money held for many things at once: each is reserved out of it with its worst case, and gives back what it leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from runner.budget.errors import OverBudget
from runner.budget.spending import Spending
from tests.runner.budget.payers import usd

CENT = usd("0.01")


@pytest.fixture
def ledger(payers):
    return payers.ledger()


def standing(ledger, run) -> dict[str, tuple[str, float]]:
    return {line.key: (line.state, float(line.reserved)) for line in ledger.state(run).lines}


def test_what_is_held_nobody_else_can_spend_and_its_own_parts_are_reserved_out_of_it(payers, ledger):
    repo = payers.repository()
    run, other = payers.run(repo, monthly=10), payers.run(repo, monthly=10)
    ledger.reserve(run, "all", usd(8), what="variations")
    with pytest.raises(OverBudget):
        ledger.reserve(other, "test-1", usd(3), what="test")
    spending = Spending(ledger, run)
    for number in range(1, 7):  # six times five dollars out of eight, as each costs a dollar only
        with spending.on("vary", f"vary-{number}", usd(5 if number < 4 else 2), CENT, out_of="all") as meter:
            meter.starts()
            payers.clock.passes(seconds=100)
        with pytest.raises(OverBudget):
            ledger.reserve(other, "test-1", usd(3), what="test")
    assert standing(ledger, run)["all"] == ("reserved", 0.5)  # a quarter of each is held back until the bill
    ledger.settle_abandoned([run])
    assert standing(ledger, run)["all"] == ("released", 0.5)
    ledger.reserve(other, "test-1", usd("2.5"), what="test")
    assert [(part.what, part.times, part.estimated) for part in ledger.state(run).parts] == [("vary", 6, 6)]


def test_where_less_is_held_than_it_may_cost_only_the_rest_has_to_fit(payers, ledger):
    run = payers.run(budget=10)
    ledger.reserve(run, "all", usd(6), what="variations")
    ledger.reserve(run, "vary-1", usd(9), what="vary", out_of="all")
    assert standing(ledger, run) == {"all": ("reserved", 0), "vary-1": ("reserved", 9)}
    with pytest.raises(OverBudget) as refused:
        ledger.reserve(run, "vary-2", usd(2), what="vary", out_of="all")
    assert (refused.value.reserved, refused.value.asked) == (9, 2)
    ledger.release(run, "vary-1")
    assert standing(ledger, run)["all"] == ("reserved", 6)  # no more than it had
    ledger.reserve(run, "vary-2", usd(10), what="vary", out_of="all")


def test_what_does_not_fit_as_a_whole_is_refused_with_both_numbers(payers, ledger):
    repo = payers.repository()
    ledger.reserve(payers.run(repo, monthly=10), "test-1", usd(6), what="test")
    run = payers.run(repo, monthly=10)
    with pytest.raises(OverBudget) as refused:
        ledger.reserve(run, "all", usd("4.01"), what="variations")
    assert str(refused.value) == snapshot(
        "making the variations needs $4.01, which does not fit below the limit of the repository for this month, $10.00: $0.00 spent and $6.00 reserved; `monthly_budget_usd` in .github/flowberth.yml sets it, and a new month begins with nothing spent"
    )


def test_what_is_said_twice_is_given_back_once(payers, ledger):
    run = payers.run()
    ledger.reserve(run, "all", usd(8), what="variations")
    ledger.reserve(run, "vary-1", usd(5), what="vary", out_of="all")
    for _ in range(3):
        ledger.reserve(run, "vary-1", usd(5), what="vary", out_of="all")
    assert standing(ledger, run)["all"] == ("reserved", 3)
    for _ in range(3):
        ledger.spend(run, "vary-1", usd(1))
        ledger.release(run, "vary-1")
        ledger.settle_stopped(run)
    assert standing(ledger, run)["all"] == ("reserved", 6.75)
    ledger.bill(run, "vary-1", usd(1))
    assert standing(ledger, run)["all"] == ("reserved", 6.75)


def test_what_costs_more_than_was_reserved_leaves_nothing(payers, ledger):
    run = payers.run()
    ledger.reserve(run, "all", usd(8), what="variations")
    ledger.reserve(run, "vary-1", usd(5), what="vary", out_of="all")
    ledger.spend(run, "vary-1", usd(6))
    assert standing(ledger, run)["all"] == ("reserved", 3)


def test_a_call_that_a_crash_has_cut_keeps_its_worst_and_the_next_is_reserved_beside_it(payers, ledger):
    run = payers.run(budget=10)
    ledger.reserve(run, "all", usd(8), what="variations")
    ledger.reserve(run, "vary-1", usd(5), what="vary", out_of="all")
    ledger.start(run, "vary-1", CENT)
    with Spending(ledger, run).on("vary", "vary-1", usd(5), CENT, out_of="all") as meter:
        meter.starts()
        assert ledger.state(run).reserved == 10
        payers.clock.passes(seconds=100)
    assert standing(ledger, run) == {"all": ("reserved", 1.75), "vary-1": ("reserved", 5), "vary-1~2": ("spent", 5)}
    ledger.settle_abandoned([run])
    assert (ledger.state(run).reserved, ledger.state(run).best) == (0, 6)


def test_parts_of_the_next_month_are_paid_for_by_the_month_that_holds_them(payers, ledger):
    repo = payers.repository()
    run = payers.run(repo, monthly=10)
    payers.clock.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    ledger.reserve(run, "all", usd(8), what="variations")
    payers.clock.passes(minutes=2)
    ledger.reserve(run, "vary-1", usd(5), what="vary", out_of="all")
    ledger.spend(run, "vary-1", usd(1))
    assert {f"{line.month:%Y-%m}" for line in ledger.state(run).lines} == {"2026-11"}
    assert standing(ledger, run)["all"] == ("reserved", 6.75)
    ledger.reserve(payers.run(repo, monthly=10), "test-1", usd(10), what="test")


def test_without_anything_held_it_is_reserved_as_ever(payers, ledger):
    run, other = payers.run(budget=10), payers.run(budget=10)
    ledger.reserve(other, "all", usd(8), what="variations")
    ledger.reserve(run, "test-1", usd(4), what="test")
    for key in ("all", "test-1", ""):  # of another run; not one that holds money; nothing
        ledger.reserve(run, f"vary-{key}", usd(2), what="vary", out_of=key)
    assert ledger.state(run).reserved == 10
    with pytest.raises(OverBudget):
        ledger.reserve(run, "vary-4", CENT, what="vary", out_of="all")
