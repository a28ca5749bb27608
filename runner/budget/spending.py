"""The guard around everything that costs: reserve before, settle after."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, Literal

from runner.budget.errors import OF, WHOSE, UsedUp, shown
from runner.budget.model import TURN
from runner.budget.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime
    from decimal import Decimal

    from codegen.model import JsonObject
    from runner.budget.ledger import Ledger
    from runner.budget.model import Basis, Line, Reservation, RunMoney, What
    from runner.model import RunId

STOPPING: Final = timedelta(seconds=10)
"""From the decision to stop until nothing costs any more: asking Modal takes a second or two, ending a container the
rest. So much earlier it is decided."""


class Meter:
    """Of one thing that costs. It counts from `starts` to `ends`."""

    def __init__(self, ledger: Ledger, line: Reservation, usd_per_second: Decimal) -> None:
        self._ledger = ledger
        self._line = line
        self._usd_per_second = usd_per_second
        self.started = False
        self.settled = False

    @property
    def key(self) -> str:
        """Of the line in the ledger."""
        return self._line.key

    def starts(self, detail: JsonObject | None = None) -> None:
        """It costs from now on. To be called before it is started: whatever happens then, nothing is forgotten.

        `detail`: what a bill will know it by, such as `app` and `environment` (`bills.reconcile`).
        """
        self._ledger.start(self._line.run_id, self.key, self._usd_per_second, detail)
        self.started = True

    def ends(self, usd: Decimal | None = None, *, basis: Basis = "estimate", detail: JsonObject | None = None) -> None:
        """It surely costs nothing any more: settle it, by time × price or by what is said. The first end counts."""
        if self.settled:
            return
        if usd is None:
            self._ledger.settle_stopped(self._line.run_id, self.key, detail)
        else:
            self._ledger.spend(self._line.run_id, self.key, usd, basis=basis, detail=detail)
        self.settled = True

    def never_started(self) -> None:
        """Give the reservation back, unless it has started after all, perhaps by a process that died since."""
        if not self.started and not self.settled and self._line.fresh:
            self._ledger.release(self._line.run_id, self.key)


class Spending:
    """What one run spends."""

    def __init__(self, ledger: Ledger, run_id: RunId) -> None:
        self._ledger = ledger
        self._run_id = run_id

    @contextmanager
    def on(
        self,
        what: What,
        key: str,
        worst: Decimal,
        usd_per_second: Decimal,
        *,
        again: Literal["costs", "continues"] = "costs",
        out_of: str | None = None,
    ) -> Generator[Meter]:
        """Something that costs is done inside, between `starts` and `ends` of the meter.

        Left without `starts`, the reservation is given back. Left normally, it is settled by time × price. Left by an
        error after `starts` and before `ends`, it stays reserved, because nobody knows whether it goes on:
        `Ledger.settle_stopped` settles it when all of the run has been stopped, `Ledger.settle_abandoned` later. So
        does a process that dies.

        Args:
            what: for people.
            key: of this one thing among those of the run; the same after a crash.
            worst: what it costs at most.
            usd_per_second: what it costs while it goes on.
            again: when it was begun before and nobody knows how that ended. `costs`: the earlier one may have cost its
                worst, this one is paid for beside it. `continues`: what was begun is found and gone on with.
            out_of: a line of the run that holds money for this (`Ledger.reserve`).

        Raises:
            OverBudget: it must not be started.
        """
        meter = Meter(self._ledger, self._reserve(what, key, worst, again, out_of), usd_per_second)
        try:
            yield meter
        except BaseException:  # an interrupt, too, must not keep money reserved for what never began
            meter.never_started()
            raise
        if meter.started:
            meter.ends()
        else:
            meter.never_started()

    def so_far(self, what: What) -> Decimal:
        """What all things of this kind have cost, US dollars; those under way or left by a crash with their worst."""
        lines = [line for line in self._ledger.state(self._run_id).lines if line.what == what]
        return sum((_most(line) for line in lines), ZERO)

    def due_stop(self) -> datetime | None:
        """When everything of the run has to be stopped, as things stand; in the past: at once. Notes alerts too.

        `None` while nothing runs. A reservation is for the worst case, so this is later than the end of everything
        that keeps to its timeouts.
        """
        return self.look().due_stop

    def look(self) -> RunMoney:
        """The money of the run now; notes alerts. For whoever looks regularly, and stops what is `overdue`."""
        return self._ledger.watch(self._run_id)

    def stopped(self) -> None:
        """Nothing of the run costs any more."""
        self._ledger.settle_stopped(self._run_id)

    def _reserve(
        self, what: What, key: str, worst: Decimal, again: Literal["costs", "continues"], out_of: str | None
    ) -> Reservation:
        free = ("released", "reserved") if again == "continues" else ("released",)
        taken = {line.key for line in self._ledger.state(self._run_id).lines if line.state not in free}
        turns = (key if turn == 1 else f"{key}{TURN}{turn}" for turn in count(1))
        free_key = next(each for each in turns if each not in taken)
        return self._ledger.reserve(self._run_id, free_key, worst, what=what, out_of=out_of)


def overdue(money: RunMoney) -> UsedUp | None:
    """Why everything of the run has to be stopped now; `None` if it has not."""
    if money.due_stop is None or money.due_stop > money.at + STOPPING:
        return None
    what = " and ".join(dict.fromkeys(OF.get(each.what, each.what) for each in money.running))
    if money.reached is None and money.best + money.usd_per_second * STOPPING.seconds < money.limit:
        reserved = shown(sum((each.reserved for each in money.running), ZERO))
        return UsedUp(f"{what} was stopped, as it went on until the {reserved} reserved for it were used up")
    limit_name, limit = money.reached or ("run", money.limit)
    return UsedUp(f"the limit {WHOSE[limit_name]}, {shown(limit)}, is used up, so {what} was stopped", limit_name)


def _most(line: Line) -> Decimal:
    if line.state == "reserved":
        return max(line.reserved, line.actual or ZERO)
    return max(line.estimated or ZERO, line.actual or ZERO) if line.state != "released" else ZERO
