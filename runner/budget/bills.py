"""From a bill to the lines of the ledger. `reconcile` is pure: the same bill, read again, says the same.

A bill has a row for each object and interval, so one row may be about several lines: the image, the preflight and
three tests of one hour. It is divided among those that ran then, by what each is estimated to have cost in that time.
What is divided adds up to the row, to the millionth.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.budget.money import MICRO, ZERO, Dollars
from runner.model import Frozen, RunId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from runner.budget.ledger import Ledger
    from runner.budget.model import Line

RUN_TAG: Final = "flowberth-run"
"""Of a deployed app: the run that has deployed it."""
WINDOW: Final = timedelta(days=7)
"""How far back bills are read again: more than a line can last, and `SETTLING`."""
SETTLING: Final = timedelta(hours=24)
"""So long after an interval a bill may still change, for all that is known; then it is taken as the last word."""
_SECOND: Final = timedelta(seconds=1)


class BillRow(Frozen):
    """What an object of the target has cost in an interval: a row of Modal's `billing.report()`."""

    object_id: str
    app: str
    """`description`: its name."""
    environment: str
    start: datetime
    """UTC."""
    seconds: int = 3600
    usd: Dollars
    tags: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it

    @property
    def end(self) -> datetime:
        """Where the next interval begins."""
        return self.start + timedelta(seconds=self.seconds)


class Bill(NamedTuple):
    """What `Ledger.bill` is to be told."""

    run_id: RunId
    key: str
    usd: Decimal
    final: bool


class Reconciliation(NamedTuple):
    """What a bill says."""

    bills: tuple[Bill, ...]
    """Of lines for which it says something new."""
    unmatched: tuple[BillRow, ...]
    """Of nothing that is in the ledger: apps in use when no run was at them, and what else the account is for."""


def reconcile(
    lines: Sequence[Line], rows: Iterable[BillRow], *, covered_from: datetime, covered_until: datetime
) -> Reconciliation:
    """Map rows to lines.

    A row whose tags name a run is about that run, whatever its apps are called. Else a line is known by `object_id` in
    its detail, or by `app` and `environment`; `Meter.starts` notes them. Of several rows for the same object, interval
    and tags the last counts, so that reports may overlap.

    Args:
        lines: all that ran at any time from `covered_from` on, those that have been billed too (`Ledger.billable`).
        rows: all of that time, in the order in which they were read.
        covered_from: a line that began earlier gets no bill, because part of it is not in these rows.
        covered_until: the end of the last interval that the bill is complete for.
    """
    newest = {
        (row.object_id, row.environment, row.start, row.seconds, tuple(sorted(row.tags.items()))): row for row in rows
    }
    totals: dict[int, Decimal] = {}
    interval = timedelta(seconds=max((row.seconds for row in newest.values()), default=3600))
    unmatched: list[BillRow] = []
    for row in newest.values():
        ran = {
            number: seconds
            for number, line in enumerate(lines)
            if (seconds := _seconds_within(line, row, covered_until)) is not None
        }
        tagged = {number: each for number, each in ran.items() if lines[number].run_id == row.tags.get(RUN_TAG)}
        about = tagged or {number: each for number, each in ran.items() if _is_about(row, lines[number])}
        shares = _divide(row.usd, {number: _weight(lines[number], each) for number, each in about.items()})
        for number, share in shares.items():
            totals[number] = totals.get(number, ZERO) + share
        if not shares:
            unmatched.append(row)
    bills = (
        Bill(line.run_id, line.key, usd, final=_is_final(line, interval, covered_until))
        for number, usd in sorted(totals.items())
        if _began(line := lines[number]) >= covered_from
    )
    known = {(line.run_id, line.key): line for line in lines}
    return Reconciliation(
        tuple(each for each in bills if _is_news(each, known[each.run_id, each.key])), tuple(unmatched)
    )


def read_bills(
    ledger: Ledger,
    report: Callable[[datetime], Iterable[BillRow]],
    now: datetime,
    installations: Collection[int | None] | None = None,
) -> Reconciliation:
    """Book what the billing report of one account says. To be called now and then, such as once an hour; repeatable.

    Args:
        ledger: to book in.
        report: rows from the hour of that moment (UTC) until now, by the hour, with `RUN_TAG` among their tags.
        now: UTC.
        installations: those that spend from this account; by default all.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    since = hour - WINDOW
    rows = tuple(report(since))
    said = reconcile(ledger.billable(since, installations), rows, covered_from=since, covered_until=hour)
    ledger.book(said.bills)
    return said


def _is_about(row: BillRow, line: Line) -> bool:
    if "object_id" in line.detail:
        return line.detail["object_id"] == row.object_id
    return line.detail.get("app") == row.app and line.detail.get("environment", row.environment) == row.environment


def _began(line: Line) -> datetime:
    return line.started_at or line.reserved_at


def _seconds_within(line: Line, row: BillRow, now: datetime) -> float | None:
    """How long it ran within the interval; `None` if it did not."""
    began, ended = _began(line), line.ended_at or max(now, _began(line))
    if began >= row.end or ended < row.start:
        return None
    return max((min(ended, row.end) - max(began, row.start)) / _SECOND, 0.0)


def _weight(line: Line, seconds: float) -> Decimal:
    """What it is estimated to have cost in that time; a little in any case, so that no line is left out."""
    whole = ((line.ended_at or _began(line)) - _began(line)) / _SECOND
    if line.usd_per_second is not None:
        cost = Decimal(str(seconds)) * line.usd_per_second
    elif line.estimated is not None:
        cost = line.estimated * Decimal(str(seconds / whole)) if whole > 0 else line.estimated
    else:
        cost = ZERO
    return max(cost, MICRO)


def _divide(usd: Decimal, weights: dict[int, Decimal]) -> dict[int, Decimal]:
    """By weight, to the millionth; what rounding leaves over goes to the heaviest."""
    total = sum(weights.values(), ZERO)
    shares = {
        number: (usd * weight / total).quantize(MICRO, rounding=ROUND_FLOOR) for number, weight in weights.items()
    }
    if shares:
        heaviest = max(weights, key=lambda number: (weights[number], -number))
        shares[heaviest] += usd - sum(shares.values(), ZERO)
    return shares


def _is_final(line: Line, interval: timedelta, covered_until: datetime) -> bool:
    if line.ended_at is None or line.state == "reserved":
        return False
    since = line.ended_at - datetime.min.replace(tzinfo=UTC)
    last_interval = line.ended_at + (interval - since % interval)
    return covered_until >= last_interval + SETTLING


def _is_news(bill: Bill, line: Line) -> bool:
    return line.actual != bill.usd or (bill.final and line.state != "billed")
