"""At 80 and at 100 per cent of a limit people are told, once."""

from __future__ import annotations

from datetime import timedelta

from inline_snapshot import snapshot

from runner.budget.spending import overdue
from tests.runner.budget.payers import usd


def told(ledger, run) -> list[str]:
    return [
        f"{alert.limit_name} {alert.percent}: {alert.used_usd} of {alert.limit_usd}" for alert in ledger.untold(run)
    ]


def test_each_alert_is_told_once(payers):
    ledger, run = payers.ledger(), payers.run(budget=10)
    ledger.reserve(run, "test-1", usd("7.9"), what="test")
    ledger.spend(run, "test-1", usd("7.9"))
    assert told(ledger, run) == []
    ledger.reserve(run, "test-2", usd(1), what="test")
    assert told(ledger, run) == []  # what is only reserved has not been spent
    ledger.spend(run, "test-2", usd("0.1"))
    assert told(ledger, run) == snapshot(["run 80: 8.000000 of 10.000000"])
    ledger.told(ledger.untold(run))
    ledger.bill(run, "test-2", usd("0.5"))
    assert told(ledger, run) == []
    ledger.bill(run, "test-1", usd("9.5"))
    assert told(ledger, run) == snapshot(["run 100: 10.000000 of 10.000000"])
    assert [alert.percent for alert in ledger.state(run).alerts] == [80, 100]


def test_a_shared_limit_is_told_of_where_it_was_passed(payers):
    ledger, repo = payers.ledger(monthly_usd="20"), payers.repository()
    first, second = payers.run(repo, monthly=10), payers.run(repo, monthly=10)
    ledger.reserve(first, "test-1", usd(5), what="test")
    ledger.spend(first, "test-1", usd(5), basis="actual")
    ledger.reserve(second, "test-1", usd(4), what="test")
    ledger.spend(second, "test-1", usd(4), basis="actual")
    assert told(ledger, first) == []
    assert told(ledger, second) == snapshot(["repository 80: 9.000000 of 10.000000"])
    payers.clock.passes(days=30)
    later = payers.run(repo, monthly=10)
    ledger.reserve(later, "test-1", usd(9), what="test")
    ledger.spend(later, "test-1", usd(9), basis="actual")
    assert told(ledger, later) == snapshot(["repository 80: 9.000000 of 10.000000"])


def test_what_runs_is_watched(payers):
    ledger, run = payers.ledger(), payers.run(budget=10)
    assert ledger.watch(run).due_stop is None
    ledger.reserve(run, "test-1", usd(10), what="test")
    assert ledger.watch(run).due_stop is None
    ledger.start(run, "test-1", usd("0.01"))
    began = payers.clock.now
    assert ledger.watch(run).due_stop == began + timedelta(seconds=1000)
    payers.clock.passes(seconds=790)
    assert (ledger.watch(run).estimated, told(ledger, run)) == (usd("7.9"), [])
    payers.clock.passes(seconds=10)
    assert ledger.watch(run).due_stop == began + timedelta(seconds=1000)
    assert told(ledger, run) == snapshot(["run 80: 8.000000 of 10.000000"])
    payers.clock.passes(seconds=300)
    assert ledger.watch(run).due_stop == payers.clock.now
    assert told(ledger, run) == snapshot(["run 80: 8.000000 of 10.000000", "run 100: 11.000000 of 10.000000"])
    ledger.settle_stopped(run)
    assert ledger.watch(run).due_stop is None
    assert ledger.state(run).estimated == 11


def test_a_limit_that_others_have_used_up_stops_what_runs(payers):
    ledger, repo = payers.ledger(), payers.repository()
    first, second = payers.run(repo, monthly=10), payers.run(repo, monthly=10)
    ledger.reserve(first, "test-1", usd(1), what="test")
    ledger.spend(first, "test-1", usd(1))
    ledger.reserve(second, "test-1", usd(5), what="test")
    ledger.start(second, "test-1", usd("0.001"))
    payers.clock.passes(seconds=10)
    assert overdue(ledger.watch(second)) is None
    ledger.bill(first, "test-1", usd("10.2"))  # ten times the estimate
    money = ledger.watch(second)
    assert money.due_stop == payers.clock.now
    assert str(overdue(money)) == snapshot(
        "the limit of the repository for this month, $10.00, is used up, so the test was stopped; `monthly_budget_usd` in .github/flowberth.yml sets it, and a new month begins with nothing spent"
    )
    ledger.settle_stopped(second)
    assert overdue(ledger.watch(second)) is None


def test_what_is_stopped_is_stopped_so_early_that_the_limit_holds(payers):
    ledger, run = payers.ledger(), payers.run(budget=10)
    ledger.reserve(run, "build-1", usd(4), what="build")
    ledger.spend(run, "build-1", usd(1))
    ledger.reserve(run, "test-1", usd("8.75"), what="test")
    ledger.start(run, "test-1", usd("0.01"))
    payers.clock.passes(seconds=864)
    assert overdue(ledger.watch(run)) is None
    payers.clock.passes(seconds=1)  # so that ten are left
    assert str(overdue(ledger.watch(run))) == snapshot(
        "the test was stopped, as it went on until the $8.75 reserved for it were used up"
    )
    payers.clock.passes(seconds=10)
    ledger.settle_stopped(run)
    assert ledger.state(run).best == usd("9.75")


def test_the_first_thing_that_outlives_its_reservation_is_due(payers):
    ledger, run = payers.ledger(), payers.run()
    ledger.reserve(run, "models-1", usd(1), what="models")
    ledger.reserve(run, "test-1", usd(9), what="test")
    ledger.start(run, "test-1", usd("0.01"))
    ledger.start(run, "models-1", usd("0.01"))
    assert ledger.watch(run).due_stop == payers.clock.now + timedelta(seconds=100)
    payers.clock.passes(seconds=40)
    ledger.settle_stopped(run, "models-1")
    assert ledger.watch(run).due_stop == payers.clock.now + timedelta(seconds=860)
