"""A step that costs: reserved before, settled after, and never forgotten in between."""

from __future__ import annotations

import pytest

from runner.budget.errors import OverBudget
from runner.budget.spending import Spending
from runner.model import RunResult
from runner.records import RunRecords
from tests.runner.budget.payers import usd

CENT = usd("0.01")


class Interrupted(BaseException):
    """As a process would be."""


@pytest.fixture
def ledger(payers):
    return payers.ledger()


def lines(ledger, run) -> list[tuple[str, str, float | None]]:
    return [(line.key, line.state, line.estimated and float(line.estimated)) for line in ledger.state(run).lines]


def test_what_ran_costs_its_time(payers, ledger):
    run = payers.run()
    with Spending(ledger, run).on("test", "test-1", usd(5), CENT) as meter:
        assert ledger.state(run).reserved == 5
        meter.starts({"app": "poster-pr1", "environment": "main"})
        payers.clock.passes(seconds=42)
    (line,) = ledger.state(run).lines
    assert (line.state, line.estimated, line.usd_per_second) == ("spent", usd("0.42"), CENT)
    assert line.detail == {"app": "poster-pr1", "environment": "main"}
    assert (line.ended_at - line.started_at).total_seconds() == 42


def test_what_it_has_cost_may_be_known_better(payers, ledger):
    run = payers.run()
    with Spending(ledger, run).on("language-model", "ask-1", usd(1), usd(0)) as meter:
        meter.starts()
        meter.ends(usd("0.034"), basis="actual", detail={"output_tokens": 900})
    (line,) = ledger.state(run).lines
    assert (line.state, line.actual, line.detail) == ("billed", usd("0.034"), {"output_tokens": 900})


def test_what_was_not_started_is_given_back(payers, ledger):
    run = payers.run()
    spending = Spending(ledger, run)
    with spending.on("models", "models-1", usd(5), CENT):
        pass  # the models were there already
    with pytest.raises(ConnectionError), spending.on("test", "test-1", usd(5), CENT):
        raise ConnectionError
    assert lines(ledger, run) == [("models-1", "released", None), ("test-1", "released", None)]
    with spending.on("test", "test-1", usd(5), CENT) as meter:
        meter.starts()
        payers.clock.passes(seconds=10)
    assert lines(ledger, run) == [("models-1", "released", None), ("test-1", "spent", 0.1)]


def test_what_does_not_fit_is_not_entered(payers, ledger):
    run = payers.run(budget=4)
    with pytest.raises(OverBudget), Spending(ledger, run).on("test", "test-1", usd(5), CENT):
        pytest.fail("it has been started")


def test_an_error_after_the_start_leaves_it_reserved_until_all_is_stopped(payers, ledger):
    run = payers.run()
    spending = Spending(ledger, run)
    with pytest.raises(TimeoutError), spending.on("test", "test-1", usd(5), CENT) as meter:  # noqa: PT012
        meter.starts()
        raise TimeoutError
    assert ledger.state(run).reserved == 5
    payers.clock.passes(seconds=30)
    spending.stopped()  # the app has been stopped
    assert lines(ledger, run) == [("test-1", "spent", 0.3)]


def test_an_error_after_the_end_costs_what_it_cost(payers, ledger):
    run = payers.run()
    with pytest.raises(ValueError), Spending(ledger, run).on("preflight", "preflight-1", usd(5), CENT) as meter:  # noqa: PT012
        meter.starts()
        payers.clock.passes(seconds=5)
        meter.ends()
        payers.clock.passes(hours=1)
        raise ValueError
    assert lines(ledger, run) == [("preflight-1", "spent", 0.05)]


def crash(ledger, run, *, after_start: bool) -> None:
    """Leaves what a killed process leaves."""
    ledger.reserve(run, "test-1", usd(5), what="test")
    if after_start:
        ledger.start(run, "test-1", CENT)


def test_after_a_crash_what_is_begun_anew_is_paid_for_beside_what_was_lost(payers, ledger):
    run = payers.run(budget=12)
    crash(ledger, run, after_start=True)
    payers.clock.passes(seconds=10)
    for _ in range(2):
        with Spending(ledger, run).on("test", "test-1", usd(5), CENT) as meter:
            assert ledger.state(run).reserved == 10
            meter.starts()
            payers.clock.passes(seconds=10)
    assert lines(ledger, run) == [("test-1", "reserved", None), ("test-1~2", "spent", 0.1), ("test-1~3", "spent", 0.1)]
    Spending(ledger, run).stopped()
    assert lines(ledger, run)[0] == ("test-1", "spent", 0.3)


def test_after_a_crash_what_is_gone_on_with_is_the_same_money(payers, ledger):
    run = payers.run(budget=6)
    crash(ledger, run, after_start=True)
    payers.clock.passes(seconds=10)
    with Spending(ledger, run).on("build", "test-1", usd(5), CENT, again="continues") as meter:
        meter.starts()
        payers.clock.passes(seconds=10)
    assert lines(ledger, run) == [("test-1", "spent", 0.2)]


def test_what_may_have_started_before_the_crash_is_not_given_back(payers, ledger):
    run = payers.run()
    crash(ledger, run, after_start=True)
    with pytest.raises(KeyError), Spending(ledger, run).on("build", "test-1", usd(5), CENT, again="continues"):
        raise KeyError
    assert ledger.state(run).reserved == 5


def test_an_interrupted_process_forgets_nothing(payers, ledger):
    run = payers.run()
    with pytest.raises(Interrupted), Spending(ledger, run).on("test", "test-1", usd(5), CENT) as meter:  # noqa: PT012
        meter.starts()
        raise Interrupted
    assert ledger.state(run).reserved == 5


def test_runs_that_have_ended_leave_nothing_reserved(payers, ledger):
    going, ended = payers.run(), payers.run()
    for run in (going, ended):
        crash(ledger, run, after_start=False)
    result = RunResult(
        run_id=ended, state="failed", name=None, repo="", branch=None, commit=None, app_dir=None, endpoint=None,
        engine="comfyui", attempts=1,
    )  # fmt: skip
    RunRecords(payers.database).finish(ended, result)
    ours = [line.run_id for line in ledger.settle_abandoned() if line.run_id in (going, ended)]
    assert ours == [ended]
    assert (ledger.state(going).reserved, ledger.state(ended).reserved) == (5, 0)
    assert lines(ledger, ended) == [("test-1", "spent", 5.0)]


def test_the_first_reservation_that_is_used_up_is_when_to_stop(payers, ledger):
    run = payers.run()
    spending = Spending(ledger, run)
    assert spending.due_stop() is None
    with spending.on("test", "test-1", usd(1), CENT) as meter:
        meter.starts()
        assert (spending.due_stop() - payers.clock.now).total_seconds() == 100
