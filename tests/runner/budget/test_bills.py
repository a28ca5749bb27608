"""Bills come late, in parts, by the hour and by the app; each line gets its share, and nothing is lost or invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.budget.bills import RUN_TAG, SETTLING, Bill, BillRow, read_bills, reconcile
from runner.budget.limits import month_of
from runner.budget.model import Line
from runner.budget.spending import Spending
from runner.model import RunId
from runner.targets.modal.names import RUN
from tests.runner.budget.payers import usd

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
RUN_1, RUN_2 = RunId("run_aaaaaaaaaaaaaaaaaaaa"), RunId("run_bbbbbbbbbbbbbbbbbbbb")


def spent(
    key: str = "test-1",
    *,
    run: RunId = RUN_1,
    began: float = 0,
    minutes: float | None = 30,
    usd_per_second: str = "0.001",
    **detail: str,
) -> Line:
    """Of an app that ran from `began` minutes after noon."""
    started = NOON + timedelta(minutes=began)
    ended = None if minutes is None else started + timedelta(minutes=minutes)
    return Line.model_validate(
        {
            "run_id": run, "key": key, "month": month_of(NOON), "what": "test", "reserved": "20",
            "state": "reserved" if minutes is None else "spent",
            "estimated": None if minutes is None else Decimal(str(minutes)) * 60 * Decimal(usd_per_second),
            "usd_per_second": usd_per_second, "reserved_at": started, "started_at": started, "ended_at": ended,
            "detail": detail or {"app": "poster-pr1"},
        }
    )  # fmt: skip


def row(cost: str, *, hour: int = 0, app: str = "poster-pr1", object_id: str = "ap-1", **tags: str) -> BillRow:
    start = NOON + timedelta(hours=hour)
    return BillRow(
        object_id=object_id, app=app, environment="main", start=start, usd=usd(cost),
        tags={name.replace("_", "-"): value for name, value in tags.items()},
    )  # fmt: skip


def bills(lines, rows, *, until: timedelta = timedelta(days=3), since: datetime = LONG_AGO):
    return reconcile(lines, rows, covered_from=since, covered_until=NOON + until)


def test_the_row_of_an_app_is_the_bill_of_what_ran_then():
    assert bills([spent()], [row("1.9")]) == (((RUN_1, "test-1", usd("1.9"), True),), ())


def test_a_bill_of_several_hours_adds_up():
    line = spent(began=50, minutes=80)
    said = bills([line], [row("0.6"), row("3.5", hour=1), row("0.7", hour=2)])
    assert said.bills == (Bill(RUN_1, "test-1", usd("4.8"), final=True),)


def test_an_hour_is_divided_by_what_each_is_estimated_to_have_cost():
    build = spent("build-1", minutes=10, usd_per_second="0.0001")
    test = spent("test-1", began=10, minutes=10, usd_per_second="0.0009")
    said = bills([build, test], [row("1.000001")])
    assert [(bill.key, bill.usd) for bill in said.bills] == [("build-1", usd("0.1")), ("test-1", usd("0.900001"))]


def test_two_runs_at_one_app_are_told_apart_by_their_tags():
    first, second = spent(), spent(run=RUN_2, began=30)
    said = bills([first, second], [row("1", flowberth_run=RUN_1), row("3", flowberth_run=RUN_2)])
    assert [(bill.run_id, bill.usd) for bill in said.bills] == [(RUN_1, 1), (RUN_2, 3)]
    untagged = bills([first, second], [row("4")])
    assert [bill.usd for bill in untagged.bills] == [2, 2]
    assert RUN_TAG == RUN


def test_apps_of_the_same_name_are_told_apart_by_their_id_or_environment():
    mine, others = row("1"), row("5", object_id="ap-2")
    said = bills([spent(object_id="ap-1", app="poster-pr1")], [mine, others])
    assert (said.bills[0].usd, said.unmatched) == (1, (others,))
    assert bills([spent(app="poster-pr1", environment="staging")], [mine]).bills == ()


def test_what_nobody_ran_is_no_runs_bill():
    people_use_it, another_app = row("7", hour=5), row("2", app="other")
    said = bills([spent()], [people_use_it, another_app])
    assert said == ((), (people_use_it, another_app))


def test_a_bill_is_not_the_last_word_before_it_has_settled():
    line = spent()
    (early,) = bills([line], [row("1")], until=SETTLING).bills
    assert not early.final
    (last,) = bills([line], [row("1")], until=timedelta(hours=1) + SETTLING).bills
    assert last.final
    (running,) = bills([spent(minutes=None)], [row("1")]).bills
    assert not running.final


def test_a_later_report_of_the_same_hour_takes_the_place_of_the_earlier():
    assert bills([spent()], [row("1"), row("1.2")]).bills[0].usd == usd("1.2")
    assert bills([spent()], [row("1.2"), row("1.2")]).bills[0].usd == usd("1.2")


def test_what_is_known_already_is_not_said_again():
    (bill,) = bills([spent()], [row("1")]).bills
    billed = spent().model_copy(update={"state": "billed", "actual": bill.usd})
    assert bills([billed], [row("1")]).bills == ()
    assert bills([billed], [row("1.1")]).bills == (Bill(RUN_1, "test-1", usd("1.1"), final=True),)


def test_half_a_bill_is_none():
    """The report begins after the line did: what it says is not the whole of it."""
    other = spent("test-2", began=60)
    said = bills([spent(), other], [row("1"), row("3", hour=1)], since=NOON + timedelta(minutes=1))
    assert [bill.key for bill in said.bills] == ["test-2"]


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(0, 10**6)), max_size=6),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 10**9)), unique_by=lambda each: each[0], max_size=8),
)
def test_the_bills_and_what_is_left_over_add_up_to_the_report(ran, report):
    lines = [
        spent(f"line-{number}", began=began, minutes=minutes, usd_per_second=str(Decimal(price) / 10**9))
        for number, (began, minutes, price) in enumerate(ran)
    ]
    rows = [row(str(Decimal(cost) / 10**6), hour=hour) for hour, cost in report]
    said = bills(lines, rows)
    whole = sum((each.usd for each in rows), Decimal(0))
    assert sum(bill.usd for bill in said.bills) + sum(each.usd for each in said.unmatched) == whole
    assert said == bills(lines, rows)


def test_from_a_run_to_its_whole_bill(payers):
    ledger, repo = payers.ledger(), payers.repository()
    run, other = payers.run(repo), payers.run()
    app = {"app": "poster-pr7", "environment": "main"}
    for which in (run, other):
        with Spending(ledger, which).on("test", "test-1", usd(5), usd("0.001")) as meter:
            meter.starts(app)
            payers.clock.passes(minutes=10)
    with Spending(ledger, run).on("language-model", "ask-1", usd(1), usd(0)) as meter:
        meter.starts()
        meter.ends(usd("0.05"), basis="actual")
    with Spending(ledger, run).on("models", "models-1", usd(1), usd(0)):
        pass
    here = [repo.installation]
    assert [(line.run_id, line.key) for line in ledger.billable(LONG_AGO, here)] == [(run, "test-1")]
    assert {run, other} <= {line.run_id for line in ledger.billable(LONG_AGO)}
    assert ledger.billable(LONG_AGO, []) == ledger.billable(payers.clock.now + timedelta(hours=1), here) == ()
    asked: list[datetime] = []

    def report(since: datetime) -> list[BillRow]:
        asked.append(since)
        # An hour is in the report when it is over, and may be corrected later.
        hours = payers.clock.now - NOON
        cost = "0.6" if hours < timedelta(hours=3) else "0.63"
        return [row(cost, app="poster-pr7", flowberth_run=run)] if hours >= timedelta(hours=1) else []

    told: list[tuple[Decimal | None, bool]] = []
    for hours in (0, 1, 1, 20, 24):
        payers.clock.passes(hours=hours)
        read_bills(ledger, report, payers.clock.now, here)
        told.append((ledger.state(run).actual, ledger.state(run).fully_billed))
    part, whole = usd("0.65"), usd("0.68")  # with the answer of the language model
    assert told == [(usd("0.05"), False), (part, False), (part, False), (whole, False), (whole, True)]
    assert asked[0] == NOON - timedelta(days=7)
    assert ledger.state(run).estimated == usd("0.65")
    assert read_bills(ledger, report, payers.clock.now, here).bills == ()
    assert ledger.state(other).actual is None


@pytest.mark.parametrize("cost", ["-1", "NaN"])
def test_a_bill_is_an_amount_of_money(cost):
    with pytest.raises(ValueError, match=r"no amount of US dollars|finite number"):
        row(cost)
