"""What the ledger tells of the money of a run."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

from pydantic import Field

from codegen.model import JsonObject
from runner.budget.limits import LimitName
from runner.budget.money import ZERO, Dollars, dollars
from runner.model import Frozen, RunId

What: TypeAlias = Literal["build", "models", "preflight", "test", "vary", "variations", "serve", "language-model"]
LineState: TypeAlias = Literal["reserved", "spent", "released", "billed"]
"""`reserved`: it may cost up to that. `spent`: it has ended, and costs about as much as estimated. `billed`: it costs
exactly that. `released`: it never started."""
Basis: TypeAlias = Literal["estimate", "actual"]

HOLDS: Final = frozenset({"variations"})
"""Kinds of lines that never start: they hold money, and other lines of the run are reserved out of it."""
OUT_OF: Final = "out_of"
"""In the detail of a line, the key of the one that it was reserved out of."""
DRAWN: Final = "drawn_usd"
"""In its detail, how much of that one it was."""
HOLDBACK: Final = Decimal("1.25")
"""Until the bill has come, so many times the estimate counts below the limits, though never more than was reserved: a
bill that is higher than the estimate finds room. The margin covers what is not measured from outside, such as a
container that is put away a little later than told; prices and multipliers are known."""
TURN: Final = "~"
"""In the key of a line, before the number of the turn: the same thing was begun before, and a crash has cut it."""
LONGEST_SECONDS: Final = 10 * 365 * 86_400
"""Nothing is waited for longer."""
ALERT_PERCENTS: Final = (80, 100)


class Reservation(NamedTuple):
    """What `Ledger.reserve` answers."""

    run_id: RunId
    key: str
    usd: Decimal
    """Up to which it may spend."""
    state: LineState
    """`reserved`, unless the same was reserved earlier and has been settled since: then nothing is reserved now."""
    fresh: bool
    """Whether this call has reserved it, not an earlier one that nobody has settled."""


class Line(Frozen):
    """One thing that a run spends on. Amounts are US dollars."""

    run_id: RunId
    key: str
    month: date
    """The first day of the month that pays for it: that in which it was reserved."""
    what: str
    state: LineState
    reserved: Dollars
    estimated: Dollars | None = None
    actual: Dollars | None = None
    """Of the bill; while the state is not `billed`, more may come."""
    usd_per_second: Decimal | None = None
    detail: JsonObject = Field(default_factory=dict)
    """Facts: which app, which object of the target, how many tokens."""
    reserved_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    billed_at: datetime | None = None

    def accrued(self, now: datetime) -> Decimal:
        """What it has cost as far as is known: by the bill, else the estimate, else time × price."""
        match self.state:
            case "billed" | "released":
                return self.actual or ZERO
            case "spent":
                return max(self.estimated or ZERO, self.actual or ZERO)
            case "reserved":
                return max(self.metered(now), self.actual or ZERO)

    def metered(self, now: datetime) -> Decimal:
        """Time × price since it was started; nothing if it was not, or nobody has said what a second costs."""
        return metered(self.started_at, self.ended_at or now, self.usd_per_second)


def metered(since: datetime | None, until: datetime, usd_per_second: Decimal | None) -> Decimal:
    """Time × price, rounded up. A clock that goes backwards costs nothing."""
    if since is None or usd_per_second is None:
        return ZERO
    microseconds = max((until - since) // timedelta(microseconds=1), 0)
    return dollars(Decimal(microseconds) * usd_per_second / 1_000_000)


class Alert(Frozen):
    """A limit of which so many percent are used up. There is one for each limit, month and percentage."""

    scope: str
    limit_name: LimitName
    percent: int
    limit_usd: Dollars
    used_usd: Dollars
    """When it was noticed."""
    run_id: RunId
    """Whose spending has passed it: people read of it there."""
    reached_at: datetime
    told_at: datetime | None = None


class Reached(NamedTuple):
    """A limit that is used up."""

    limit_name: LimitName
    usd: Decimal


class Part(NamedTuple):
    """All that a run has spent on one kind of thing, in US dollars."""

    what: str
    times: int
    estimated: Decimal
    actual: Decimal | None
    """Of the bills that have come; `None` before the first."""


class RunMoney(Frozen):
    """The money of one run at a moment: what documents, pages and checks are written from."""

    run_id: RunId
    at: datetime
    limit: Dollars
    reserved: Dollars
    """Held for what is under way."""
    estimated: Dollars
    """Of everything so far: settled lines, and what those under way have cost until now."""
    actual: Dollars | None
    """Of the bills that have come; `None` before the first."""
    lines: tuple[Line, ...] = ()
    alerts: tuple[Alert, ...] = ()
    reached: Reached | None = None
    """A limit that is used up; only where somebody has looked (`Ledger.watch`)."""

    @property
    def running(self) -> tuple[Line, ...]:
        """What costs by the second now; not what a crash has left that was begun again since."""
        newest = {each.key.partition(TURN)[0]: each.key for each in self.lines}
        return tuple(
            each
            for each in self.lines
            if each.state == "reserved"
            and each.started_at
            and each.usd_per_second
            and newest[each.key.partition(TURN)[0]] == each.key
        )

    @property
    def usd_per_second(self) -> Decimal:
        """Of all that runs now."""
        return sum((each.usd_per_second or ZERO for each in self.running), ZERO)

    @property
    def due_stop(self) -> datetime | None:
        """When something that runs will have used up what it has reserved, or all of it the run's limit.

        Not later than `at` if that has come; `None` if nothing runs, or nobody has said what it costs.
        """
        running = self.running
        if running and self.reached is not None:
            return self.at
        ends = [each.accrued(self.at) for each in running]
        moments = [
            _when(self.at, each.reserved - cost, each.usd_per_second or ZERO)
            for each, cost in zip(running, ends, strict=True)
        ]
        lost = [each for each in self.lines if each.state == "reserved" and each not in running]
        used = self.best - sum((max(each.accrued(self.at) - each.reserved, ZERO) for each in lost), ZERO)
        return min((*moments, _when(self.at, self.limit - used, self.usd_per_second))) if running else None

    @property
    def fully_billed(self) -> bool:
        """Whether `actual` is the whole of it: nothing is under way, and no bill is awaited."""
        return self.actual is not None and all(each.state in ("billed", "released") for each in self.lines)

    @property
    def best(self) -> Decimal:
        """The best number there is: of each line the bill if it is whole, else the estimate or the bill so far."""
        return sum((each.accrued(self.at) for each in self.lines), ZERO)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it was spent on, in the order in which it began; nothing that never started."""
        grouped: dict[str, list[Line]] = {}
        for each in self.lines:
            if each.state != "released" and each.what not in HOLDS:
                grouped.setdefault(each.what, []).append(each)
        return tuple(_part(what, lines, self.at) for what, lines in grouped.items())


def _when(now: datetime, left: Decimal, usd_per_second: Decimal) -> datetime:
    return now + timedelta(seconds=float(min(max(left, ZERO) / usd_per_second, LONGEST_SECONDS)))


def _part(what: str, lines: list[Line], now: datetime) -> Part:
    bills = [each.actual for each in lines]
    return Part(
        what=what,
        times=len(lines),
        estimated=sum((each.metered(now) if each.estimated is None else each.estimated for each in lines), ZERO),
        actual=sum((bill or ZERO for bill in bills), ZERO) if any(bill is not None for bill in bills) else None,
    )
