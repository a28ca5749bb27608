"""Random schedules of many runs: reservations one by one and at once, spending, crashes, late and partial bills.

Whatever happens, no limit is passed: not by what is spent and reserved, and not by what it all turns out to have cost.
The ledger is held to a second one beside it, a dictionary that knows nothing of SQL.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from runner.budget.errors import OverBudget
from runner.budget.limits import month_of
from runner.budget.money import MICRO, dollars
from tests.runner.budget.payers import Clock, Payers, usd

if TYPE_CHECKING:
    from datetime import date

    from runner.budget.ledger import Ledger
    from runner.budget.model import What
    from runner.model import GithubRepository, RunId

pytestmark = pytest.mark.long

MONTHLY = Decimal(12)
REPOSITORY = Decimal(8)
CENTS = st.integers(1, 600).map(lambda cents: Decimal(cents) / 100)
PARTS = st.integers(0, 100).map(lambda percent: Decimal(percent) / 100)


@dataclass
class Known:
    """A line, as the test knows it."""

    run: RunId
    key: str
    month: date
    reserved: Decimal
    counts: Decimal
    """Below the limits, now."""
    cost: Decimal = Decimal(0)
    """What it will turn out to have cost, when all bills have come."""
    is_noted: bool = True
    """In the ledger: there was money for it."""
    is_open: bool = True
    is_hold: bool = False
    hold: Known | None = None
    """What it was reserved out of, and how much of it that was."""
    drawn: Decimal = Decimal(0)

    def settles(self, counts: Decimal) -> None:
        """It counts no more than that from now on; what is left goes back to where it was taken."""
        self.is_open, self.counts = False, counts
        if self.hold is not None and self.hold.is_open:
            self.hold.counts += max(self.drawn - dollars(counts), Decimal(0))


@dataclass(frozen=True)
class Payer:
    run: RunId
    repo: GithubRepository
    limit: Decimal


class Schedules(RuleBasedStateMachine):
    payers: Payers

    runs = Bundle("runs")
    holds = Bundle("holds")
    begun = Bundle("begun")
    ended = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.payers.clock = self.clock
        self.ledger: Ledger = self.payers.ledger(monthly_usd=str(MONTHLY))
        # Two installations, of which one has two repositories: new ones for each schedule.
        first, second = self.payers.repository(), self.payers.repository()
        self.repos = (first, second, self.payers.repository(first.installation))
        self.all: dict[RunId, Payer] = {}
        self.numbers = count()
        self.lines: dict[tuple[RunId, str], Known] = {}

    @rule(target=runs, repo=st.integers(0, 2), limit=st.sampled_from([2, 5, 20]))
    def asks_for_a_run(self, repo: int, limit: int) -> RunId:
        run = self.payers.run(self.repos[repo], budget=limit, monthly=float(REPOSITORY))
        self.all[run] = Payer(run, self.repos[repo], Decimal(limit))
        return run

    @rule(target=begun, run=runs, worst=CENTS)
    def reserves(self, run: RunId, worst: Decimal):
        key = self.new_key()
        fits = all(left >= worst for left in self.left(run))
        assert self.reserved(run, key, worst) is fits
        return self.note(run, key, worst, got=fits)

    @rule(target=holds, run=runs, amount=CENTS)
    def holds_for_several(self, run: RunId, amount: Decimal) -> Known:
        key = self.new_key()
        fits = all(left >= amount for left in self.left(run))
        assert self.reserved(run, key, amount, what="variations") is fits
        line = self.note(run, key, amount, got=fits)
        line.is_hold = True
        return line

    @rule(target=begun, hold=holds, worst=CENTS)
    def reserves_out_of_what_is_held(self, hold: Known, worst: Decimal) -> Known:
        key = self.new_key()
        drawn = min(hold.counts, worst) if hold.is_open else Decimal(0)
        month = hold.month if hold.is_open else None
        fits = all(left + drawn >= worst for left in self.left(hold.run, month))
        assert self.reserved(hold.run, key, worst, out_of=hold.key) is fits
        line = self.note(hold.run, key, worst, got=fits, month=month)
        if fits and hold.is_open:
            hold.counts -= drawn
            line.hold, line.drawn = hold, drawn
        return line

    @rule(target=ended, run=runs, amount=CENTS, calls=st.lists(st.tuples(CENTS, PARTS), min_size=1, max_size=5))
    def makes_a_grid(self, run: RunId, amount: Decimal, calls: list[tuple[Decimal, Decimal]]):
        """One call after the other, out of what is held; sometimes that is less than the worst case of one."""
        hold = self.holds_for_several(run, amount)
        return multiple(
            *(
                self.ends_and_is_settled(self.reserves_out_of_what_is_held(hold, worst), part, 0)
                for worst, part in calls
            )
        )

    @rule(target=begun, some=st.lists(st.tuples(runs, CENTS), min_size=2, max_size=5))
    def reserve_at_the_same_time(self, some: list[tuple[RunId, Decimal]]):
        asked = [(run, self.new_key(), worst) for run, worst in some]
        with ThreadPoolExecutor(len(asked)) as crowd:
            got = list(crowd.map(self.reserved, *zip(*asked, strict=True)))
        lines = [self.note(*each, got=fits) for each, fits in zip(asked, got, strict=True)]
        for (run, _, worst), fits in zip(asked, got, strict=True):
            # Who was refused would not fit now either, because nobody has given anything back meanwhile.
            assert fits or any(left < worst for left in self.left(run))
        return multiple(*lines)

    @rule(line=begun)
    def asks_for_the_same_again(self, line: Known) -> None:
        if line.is_noted:
            self.ledger.reserve(line.run, line.key, line.reserved, what="test")

    @rule(target=ended, line=consumes(begun), part=PARTS, more=st.integers(0, 25))
    def ends_and_is_settled(self, line: Known, part: Decimal, more: int) -> Known:
        estimate = dollars(line.reserved * part)
        if line.is_noted:
            self.ledger.spend(line.run, line.key, estimate)
        if line.is_open:  # otherwise it has been given up, and counts with its worst
            line.settles(min(line.reserved, estimate * usd("1.25")))
            # The bill will say up to a quarter more than was estimated, but no more than the worst case.
            line.cost = min(estimate * (100 + more) / 100, line.reserved).quantize(MICRO, "ROUND_FLOOR")
        self.look_at_what_is_held(line)
        return line

    @rule(line=consumes(begun))
    def never_started(self, line: Known) -> None:
        assert self.ledger.release(line.run, line.key) is line.is_open
        if line.is_open:
            line.settles(Decimal(0))
        self.look_at_what_is_held(line)

    @rule(run=runs, part=PARTS)
    def crashes(self, run: RunId, part: Decimal) -> None:
        """Nobody has seen how it went on: each line has cost anything up to its worst."""
        self.nothing_is_held_any_more(run)
        lost = [line for line in self.lines.values() if line.run == run and line.is_open]
        assert {line.key for line in self.ledger.settle_abandoned([run])} == {line.key for line in lost}
        for line in lost:
            line.is_open = False
            line.cost = (line.reserved * part).quantize(MICRO, "ROUND_FLOOR")

    @rule(line=ended)
    def a_part_of_the_bill_comes(self, line: Known) -> None:
        if line.is_noted:
            self.ledger.bill(line.run, line.key, (line.cost / 2).quantize(MICRO, "ROUND_FLOOR"), final=False)

    @rule(line=consumes(ended))
    def the_bill_comes_late(self, line: Known) -> None:
        if line.is_noted:
            self.ledger.bill(line.run, line.key, line.cost)
            line.counts = line.cost

    @rule(hours=st.sampled_from([1, 24, 24 * 9]))
    def time_passes(self, hours: int) -> None:
        self.clock.passes(hours=hours)

    def look_at_what_is_held(self, settled: Known) -> None:
        if settled.hold is not None:
            lines = self.ledger.state(settled.run).lines
            held = {line.key: line.reserved for line in lines if line.state == "reserved"}
            assert held.get(settled.hold.key) == (settled.hold.counts if settled.hold.is_open else None)

    def new_key(self) -> str:
        return f"line-{next(self.numbers)}"

    def nothing_is_held_any_more(self, run: RunId) -> None:
        for line in self.lines.values():
            if line.run == run and line.is_hold:
                line.is_open, line.counts = False, Decimal(0)

    def reserved(self, run: RunId, key: str, worst: Decimal, *, what: What = "test", out_of: str | None = None) -> bool:
        try:
            return self.ledger.reserve(run, key, worst, what=what, out_of=out_of).fresh
        except OverBudget:
            return False

    def note(self, run: RunId, key: str, worst: Decimal, *, got: bool, month: date | None = None) -> Known:
        """What was refused is handed on too: what a schedule does next must not depend on who wins a race."""
        month = month or month_of(self.clock.now)
        line = Known(run, key, month, worst, counts=worst, is_noted=got, is_open=got)
        if got:
            self.lines[run, key] = line
        return line

    def left(self, run: RunId, month: date | None = None) -> tuple[Decimal, ...]:
        """Below each limit, now."""
        limits = self.limits(run, month or month_of(self.clock.now))
        return tuple(limit - self.sums("counts")[whose] for whose, limit in limits)

    def limits(self, run: RunId, month: date) -> tuple[tuple[object, Decimal], ...]:
        payer = self.all[run]
        return (
            (run, payer.limit),
            (("repository", payer.repo.id, month), REPOSITORY),
            (("installation", payer.repo.installation, month), MONTHLY),
        )

    def sums(self, amount: str) -> defaultdict[object, Decimal]:
        sums: defaultdict[object, Decimal] = defaultdict(Decimal)
        for line in self.lines.values():
            for whose, _ in self.limits(line.run, line.month):
                sums[whose] += getattr(line, amount)
        return sums

    @invariant()
    def no_limit_is_passed(self) -> None:
        for amount in ("counts", "cost"):
            sums = self.sums(amount)
            for line in self.lines.values():
                for whose, limit in self.limits(line.run, line.month):
                    assert sums[whose] <= limit, (amount, whose)

    def teardown(self) -> None:
        """All bills come in the end; then the ledger says what it has cost, and nobody has spent more than allowed."""
        self.ledger.settle_abandoned(list(self.all))
        for run in self.all:
            self.nothing_is_held_any_more(run)
        for line in self.lines.values():
            if line.counts:
                self.ledger.bill(line.run, line.key, line.cost)
                line.counts = line.cost
        self.no_limit_is_passed()
        for run, payer in self.all.items():
            money, cost = self.ledger.state(run), self.sums("cost")[run]
            assert (money.reserved, money.actual or 0, money.best) == (0, cost, cost)
            assert money.best <= payer.limit
            assert {line.key for line in money.lines} == {key for owner, key in self.lines if owner == run}


def test_no_schedule_passes_a_limit(payers: Payers) -> None:
    class OnThisDatabase(Schedules):
        pass

    OnThisDatabase.payers = payers
    run_state_machine_as_test(
        OnThisDatabase,
        # Without shrinking, which takes minutes with a database, and does not get far where threads race.
        settings=settings(max_examples=20, stateful_step_count=60, deadline=None, phases=[Phase.generate]),
    )
