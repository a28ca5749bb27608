"""What a run may spend, and what is expected of it before anything has cost: for the draft of its pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from codegen.functions import is_limited
from runner.budget.money import ZERO
from runner.knowledge import entry_path
from runner.knowledge.entry_file import Unreadable, read
from runner.paying import price_of

if TYPE_CHECKING:
    from decimal import Decimal

    from codegen.lock import Lock
    from runner.budget.model import What
    from runner.budget.prices import Rates
    from runner.context import RunContext

PARTS: Final[tuple[What, ...]] = ("build", "preflight", "test")
"""Of an attempt, in their order."""


class Earlier(NamedTuple):
    """What the last run of the app has come to, as the knowledge base has it."""

    usd: float
    basis: Literal["estimate", "actual"]


class Forecast(NamedTuple):
    """In US dollars."""

    limit: Decimal
    """The most that the run may spend."""
    worst: tuple[tuple[What, Decimal], ...]
    """What each part of one attempt costs at most: as much is reserved before it begins."""
    earlier: Earlier | None = None

    @property
    def attempt(self) -> Decimal:
        """At most, if all of it gets that far."""
        return sum((usd for _, usd in self.worst), ZERO)


def forecast_of(run: RunContext) -> Forecast | None:
    """`None` where nothing costs."""
    ledger = run.services.ledger
    if ledger is None or not run.services.target.costs:
        return None
    lock = run.plan.lock
    source = run.worktree.read(f"{run.app_dir}/app.py")
    limited = source is not None and is_limited(source, lock)
    worst = worst_of_attempt(lock, run.services.rates(run.spec.owner), limited=limited)
    entry = run.worktree.read(entry_path(run.name))
    return Forecast(ledger.state(run.run_id).limit, worst, earlier_in(entry) if entry is not None else None)


def worst_of_attempt(lock: Lock, rates: Rates, *, limited: bool) -> tuple[tuple[What, Decimal], ...]:
    """The worst case of each part. `limited`: the app keeps its containers to what the lock says."""
    return tuple((what, price_of(what, lock, rates, limited=limited)[0]) for what in PARTS)


def earlier_in(data: bytes) -> Earlier | None:
    """What an entry of the knowledge base says; `None` if it says nothing, or of a simulation."""
    try:
        entry = read(data).entry
    except Unreadable:
        return None
    if entry.simulated:
        return None
    if entry.billed is not None:
        return Earlier(entry.billed.total, "actual")
    return Earlier(entry.cost.total, entry.cost.basis) if entry.cost.total else None
