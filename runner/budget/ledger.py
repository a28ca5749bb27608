"""The ledger: every reservation, estimate and bill, in Postgres. Correct with any number of processes.

Whoever changes a line holds the locks of all limits that it counts below (`limits.Account.lock`), so what is read
there is still true when the line is written. Each call is one short transaction; a process that dies in the middle of
one has changed nothing, one that dies between two leaves a reservation, which keeps counting. Any call may raise
`DatabaseUnavailable`, which is retryable, and may be made again.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runner.budget.alerts import alerts_where, note_alerts
from runner.budget.errors import DoesNotFit, NotReserved
from runner.budget.limits import Account, Limits, Scope, account_of, month_of
from runner.budget.model import (
    DRAWN,
    HOLDBACK,
    HOLDS,
    OUT_OF,
    Alert,
    Basis,
    Line,
    Reached,
    Reservation,
    RunMoney,
    What,
)
from runner.budget.money import ZERO, dollars
from runner.budget.sums import sums_below
from runner.records import UNFINISHED, storable
from runner.tables import ledger_alert as alert
from runner.tables import ledger_line as line
from runner.tables import run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from codegen.model import JsonObject
    from runner.budget.bills import Bill
    from runner.database import Database
    from runner.model import RunId

PATIENCE_SECONDS = 30.0
"""Before whoever waits for others, or does nothing while others wait, gives up: a change takes milliseconds."""
_LINE = [line.c[name] for name in Line.model_fields]


class Ledger:
    """The money of all runs. One per process or several: all agree, as the locks are Postgres's."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        limits: Limits | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._database = database
        self._clock = clock
        self._limits = limits or Limits()

    def reserve(
        self,
        run_id: RunId,
        key: str,
        worst: Decimal,
        *,
        what: What,
        detail: JsonObject | None = None,
        out_of: str | None = None,
    ) -> Reservation:
        """Hold the worst case of something that is about to start.

        The same key again is the same reservation; raised, below the limits, if `worst` is more by now. One that has
        been released is made anew. One that has been settled stays so, as the answer's `state` says.

        `out_of`: key of a line of this run that holds money (`model.HOLDS`), which has so much less from now on, and
        gets back what is left of that when this one is settled; only what it does not have has to fit below the
        limits. Both count in its month. Without such a line it is as if none were named.

        Raises:
            DoesNotFit: it does not fit below a limit; nothing was reserved, and it must not be started.
            RunNotFound: there is no such run.
        """
        asked = dollars(worst)
        with self._changing(run_id) as (connection, account, now):
            known = _find(connection, run_id, key)
            if known is not None and (
                known.state in ("spent", "billed") or (known.state == "reserved" and asked <= known.reserved)
            ):
                return Reservation(run_id, key, known.reserved, known.state, fresh=False)
            held = known if known is not None and known.state == "reserved" else None
            hold = _hold(connection, run_id, out_of) if held is None else None
            counted = held or hold
            month = counted.month if counted else month_of(now)
            free = held.reserved if held else min(hold.reserved, asked) if hold else ZERO
            for scope in account.scopes(month):
                _check(connection, scope, now, asked=asked, free=free, what=what)
            values: dict[str, Any] = {
                "repo": account.repo,
                "installation": account.installation,
                "month": month,
                "what": what,
                "state": "reserved",
                "reserved": asked,
                "detail": storable(
                    {
                        **(held.detail if held else {}),
                        **(detail or {}),
                        **({OUT_OF: hold.key, DRAWN: str(free)} if hold else {}),
                    }
                ),
            }
            if hold is not None:
                _write(connection, hold, {"reserved": hold.reserved - free})
            if held is None:
                values |= {"reserved_at": now, "estimated": None, "usd_per_second": None}
                values |= {"started_at": None, "ended_at": None}
            fresh = insert(line).values(run_id=run_id, key=key, **values)
            connection.execute(fresh.on_conflict_do_update(index_elements=["run_id", "key"], set_=values))
        return Reservation(run_id, key, asked, "reserved", fresh=held is None)

    def start(self, run_id: RunId, key: str, usd_per_second: Decimal, detail: JsonObject | None = None) -> None:
        """Note that it starts now and what a second of it costs, before it does. The first start counts.

        Raises:
            NotReserved: nobody has reserved it, or it has been settled since.
        """
        with self._changing(run_id) as (connection, _, now):
            known = _require(connection, run_id, key)
            if known.state != "reserved":
                raise NotReserved(f"what {run_id} had reserved for {key!a} is {known.state} already")
            begun = {"started_at": known.started_at or now, "usd_per_second": usd_per_second}
            _write(connection, known, begun, detail)

    def spend(
        self,
        run_id: RunId,
        key: str,
        usd: Decimal,
        *,
        basis: Basis = "estimate",
        detail: JsonObject | None = None,
    ) -> None:
        """Settle a reservation with what it has cost: what is left of it is free again.

        More than was reserved is booked whole. Said twice, the larger amount counts.

        Args:
            run_id: whose line it is.
            key: of the line.
            usd: what it has cost.
            basis: `actual` if no bill will say it better.
            detail: facts of the line, added to those there are.

        Raises:
            NotReserved: nobody has reserved it.
        """
        with self._changing(run_id) as (connection, account, now):
            known = _require(connection, run_id, key)
            estimated = max(dollars(usd), known.estimated or ZERO)
            values: dict[str, Any] = {"estimated": estimated, "ended_at": known.ended_at or now}
            if known.state != "billed":
                values["state"] = "spent"
                if basis == "actual":
                    values |= {"state": "billed", "actual": max(estimated, known.actual or ZERO), "billed_at": now}
            _write(connection, known, values, detail)
            _give_back(connection, known, estimated)
            note_alerts(connection, account, known.month, now)

    def release(self, run_id: RunId, key: str) -> bool:
        """Give a reservation back, of something that provably did not start. Returns whether there was one to give."""
        with self._changing(run_id) as (connection, _, _now):
            known = _find(connection, run_id, key)
            if known is None or known.state != "reserved":
                return False
            _write(connection, known, {"state": "released"})
            _give_back(connection, known, ZERO)
            return True

    def bill(self, run_id: RunId, key: str, usd: Decimal, *, final: bool = True) -> None:
        """Note what a bill says of a line, all of it so far. It may come late, in parts, and again.

        `final`: nothing more will come; from then on it counts instead of the estimate.

        Raises:
            NotReserved: there is no such line.
        """
        with self._changing(run_id) as (connection, account, now):
            known = _require(connection, run_id, key)
            values: dict[str, Any] = {"actual": dollars(usd), "billed_at": now}
            if final:
                values |= {"state": "billed", "ended_at": known.ended_at or now}
            _write(connection, known, values)
            note_alerts(connection, account, known.month, now)

    def book(self, bills: Iterable[Bill]) -> None:
        """Note what `bills.reconcile` has found."""
        for each in bills:
            self.bill(each.run_id, each.key, each.usd, final=each.final)

    def settle_stopped(self, run_id: RunId, key: str | None = None, detail: JsonObject | None = None) -> None:
        """What was started has surely stopped by now, this line or all of the run: settle it by time × price."""
        these = line.c.run_id == run_id if key is None else _is(run_id, key)
        with self._changing(run_id) as (connection, account, now):
            for known in _lines(connection, these & (line.c.state == "reserved")):
                if known.started_at is not None and known.usd_per_second is not None:
                    estimated = max(known.metered(now), known.actual or ZERO)
                    _write(connection, known, {"state": "spent", "estimated": estimated, "ended_at": now}, detail)
                    _give_back(connection, known, estimated)
                    note_alerts(connection, account, known.month, now)

    def settle_abandoned(self, ended: Collection[RunId] | None = None) -> tuple[Line, ...]:
        """Settle what crashes have left reserved by runs that have ended: the worst case counts until the bill comes.

        What was only held for other lines is given back.

        Args:
            ended: these runs; `None`: all that the table of runs says have ended.

        Returns:
            The lines, as they were.
        """
        lost = sa.select(line.c.run_id).where(line.c.state == "reserved").distinct()
        if ended is None:
            lost = lost.join(run, run.c.id == line.c.run_id).where(run.c.state.not_in(UNFINISHED))
        else:
            lost = lost.where(line.c.run_id.in_(ended))
        with self._database.begin() as connection:
            run_ids: list[RunId] = sorted(connection.scalars(lost))
        settled: list[Line] = []
        for run_id in run_ids:
            with self._changing(run_id) as (connection, account, now):
                for known in _lines(connection, (line.c.run_id == run_id) & (line.c.state == "reserved")):
                    if known.what in HOLDS:
                        _write(connection, known, {"state": "released"})
                        continue
                    worst = max(known.reserved, known.metered(now), known.actual or ZERO)
                    values = {"state": "spent", "estimated": worst, "ended_at": now}
                    _write(connection, known, values, {"abandoned": True})
                    note_alerts(connection, account, known.month, now)
                    settled.append(known)
        return tuple(settled)

    def state(self, run_id: RunId) -> RunMoney:
        """The money of a run, now.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._database.begin() as connection:
            account = account_of(connection, run_id, self._limits)
            lines = _lines(connection, line.c.run_id == run_id)
            alerts = alerts_where(connection, alert.c.run_id == run_id)
        now = self._clock()
        running = [each for each in lines if each.state == "reserved"]
        billed = [each.actual for each in lines if each.actual is not None]
        settled = sum((each.estimated or ZERO for each in lines if each.state in ("spent", "billed")), ZERO)
        return RunMoney(
            run_id=run_id,
            at=now,
            limit=account.run_usd,
            reserved=sum((each.reserved for each in running), ZERO),
            estimated=settled + sum((each.metered(now) for each in running), ZERO),
            actual=sum(billed, ZERO) if billed else None,
            lines=lines,
            alerts=alerts,
        )

    def watch(self, run_id: RunId) -> RunMoney:
        """`state`, and note the alerts that are due by what has run up until now. For whoever looks regularly."""
        with self._changing(run_id) as (connection, account, now):
            months = sa.select(line.c.month).where((line.c.run_id == run_id) & (line.c.state == "reserved")).distinct()
            reached: Reached | None = None
            for month in connection.scalars(months).all():
                reached = note_alerts(connection, account, month, now) or reached
        return self.state(run_id).model_copy(update={"reached": reached})

    def untold(self, run_id: RunId) -> tuple[Alert, ...]:
        """Alerts that the people of this run have to be told of."""
        with self._database.begin() as connection:
            return alerts_where(connection, (alert.c.run_id == run_id) & alert.c.told_at.is_(None))

    def runs_with_untold(self, since: datetime) -> frozenset[RunId]:
        """Runs with alerts of after that moment that nobody has been told of."""
        query = sa.select(alert.c.run_id).where(alert.c.told_at.is_(None) & (alert.c.reached_at >= since)).distinct()
        with self._database.begin() as connection:
            return frozenset(connection.scalars(query))

    def told(self, alerts: Collection[Alert]) -> None:
        """Note that people know."""
        with self._database.begin() as connection:
            for each in alerts:
                same = (alert.c.scope == each.scope) & (alert.c.percent == each.percent) & alert.c.told_at.is_(None)
                connection.execute(sa.update(alert).where(same).values(told_at=self._clock()))

    def billable(self, since: datetime, installations: Collection[int | None] | None = None) -> tuple[Line, ...]:
        """Lines that cost something after that moment: what `bills.reconcile` is to be given.

        Those of which no bill tells are not among them: they have no `app` and no `object_id` in their detail.

        Args:
            since: beginning of the bill.
            installations: those that spend from the account that the bill is for, `None` among them for this machine;
                by default all.
        """
        these = (line.c.state != "released") & (line.c.detail.has_key("app") | line.c.detail.has_key("object_id"))
        these &= line.c.ended_at.is_(None) | (line.c.ended_at >= since)
        if installations is not None:
            their = [line.c.installation.is_not_distinct_from(installation) for installation in installations]
            these &= sa.or_(sa.false(), *their)
        with self._database.begin() as connection:
            return _lines(connection, these)

    @contextmanager
    def _changing(self, run_id: RunId) -> Generator[tuple[Connection, Account, datetime]]:
        with self._database.begin() as connection:
            account = account_of(connection, run_id, self._limits)
            account.lock(connection, self._patience_seconds)
            yield connection, account, self._clock()


def _check(connection: Connection, scope: Scope, now: datetime, *, asked: Decimal, free: Decimal, what: str) -> None:
    """`free`: of what is reserved, so much is not counted, as it becomes a part of what is asked for."""
    if scope.usd is None:
        return
    sums = sums_below(connection, scope, now)
    reserved = sums.reserved - free
    if sums.spent + reserved + asked > scope.usd:
        raise DoesNotFit(scope.name, scope.usd, spent=sums.spent, reserved=reserved, asked=asked, what=what)


def _lines(connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[Line, ...]:
    rows = connection.execute(sa.select(*_LINE).where(condition).order_by(line.c.number)).mappings()
    return tuple(Line.model_validate(row) for row in rows)


def _find(connection: Connection, run_id: RunId, key: str) -> Line | None:
    return next(iter(_lines(connection, _is(run_id, key))), None)


def _hold(connection: Connection, run_id: RunId, key: object) -> Line | None:
    """The line that holds money under this key, if it still does."""
    hold = _find(connection, run_id, key) if isinstance(key, str) else None
    return hold if hold is not None and hold.state == "reserved" and hold.what in HOLDS else None


def _give_back(connection: Connection, settled: Line, estimated: Decimal) -> None:
    """What a line that was `reserved` until now has taken of another one, and does not count any more."""
    hold = _hold(connection, settled.run_id, settled.detail.get(OUT_OF)) if settled.state == "reserved" else None
    if hold is not None and hold.month == settled.month:
        drawn, counts = Decimal(settled.detail[DRAWN]), dollars(min(estimated * HOLDBACK, settled.reserved))
        _write(connection, hold, {"reserved": hold.reserved + max(drawn - counts, ZERO)})


def _require(connection: Connection, run_id: RunId, key: str) -> Line:
    known = _find(connection, run_id, key)
    if known is None:
        raise NotReserved(f"{run_id} has reserved nothing for {key!a}")
    return known


def _write(connection: Connection, known: Line, values: Mapping[str, Any], detail: JsonObject | None = None) -> None:
    changed = {**values, "detail": storable({**known.detail, **(detail or {})})}
    connection.execute(sa.update(line).where(_is(known.run_id, known.key)).values(changed))


def _is(run_id: RunId, key: str) -> sa.ColumnElement[bool]:
    return (line.c.run_id == run_id) & (line.c.key == key)
