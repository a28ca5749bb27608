"""What the parts of an attempt may cost, and that it is reserved before they begin.

Worst cases are exact as far as the app keeps its containers to what the lock says, which a rendered one does.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from codegen.functions import CpuFunction, fetch_models_function, is_limited, preflight_function
from runner.budget.model import HOLDBACK
from runner.budget.money import dollars
from runner.budget.prices import longest_call, usd_per_second, worst_case
from runner.budget.spending import Spending

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from codegen.lock import Lock
    from runner.budget.model import What
    from runner.budget.prices import Rates
    from runner.context import RunContext
    from runner.variations.model import Estimate

BUILD_SECONDS: Final = 3600
"""The target gives a build no longer."""
BUILD_CORES: Final = 8.0
BUILD_MEMORY_MIB: Final = 32 * 1024
"""Of the machine that builds an image: Modal says nothing of it. Compiling a pack's kernels with more is not known."""
SLACK_SECONDS: Final = 120
"""Time is measured from outside, so that what is paid for begins a little later and ends a little earlier than is
reserved: finding a machine, and telling that it is done. What takes longer than all that is stopped."""
TEST_CALLS: Final = 4
"""Of the workflow, one after the other: cold, again, and two that wait for each other."""
AT_ONCE: Final = 2
"""Calls, in one of the tests: so many containers are there, where an app may have them."""


HELD: Final = "variations"
"""Key of the line that holds what a grid needs, out of which its parts are reserved."""


def hold(run: RunContext, cells: int, estimate: Estimate | None, *, at_once: int) -> None:
    """Hold what a grid needs, so that nobody else spends it meanwhile: all of it fits below the limits, or none begins.

    It is not the worst case of every call: timeouts are some hundred times what a call takes, and a grid that costs
    cents would need what nobody has. It is what has to be free at its last call, if calls take what was measured: the
    estimate with what is held back until the bill, the worst case of those at the same time, and of the build. Each
    call is reserved with its worst case all the same, so that no limit is passed where they take longer.

    Raises:
        OverBudget: it does not fit.
    """
    ledger = run.services.ledger
    if ledger is None or not run.services.target.costs or not cells:
        return
    rates, lock, limited = run.services.rates(run.spec.owner), run.plan.lock, _is_limited(run)
    call, _ = price_of("vary", lock, rates, limited=limited, at_once=at_once)
    build, _ = price_of("build", lock, rates, limited=limited)
    need = call * cells
    if estimate is not None:
        need = min(need, call * at_once + dollars(Decimal(str(estimate.usd)) * HOLDBACK))
    ledger.reserve(run.run_id, HELD, build + need, what="variations")


@contextmanager
def paid(run: RunContext, what: What, key: str | None = None, *, at_once: int = 1) -> Generator[Callable[[], None]]:
    """A part of an attempt goes on inside; its worst case is reserved before. Where nothing costs, nothing is.

    What is given is to be called where it cannot be known that it has ended: the worst case is what it has cost, then.

    Args:
        run: whose attempt.
        what: is paid for.
        key: of this one thing among those of the run, where an attempt has several of a kind.
        at_once: so many of its kind go on at the same time, and share what containers there are.

    Raises:
        OverBudget: it must not begin.
    """
    ledger = run.services.ledger
    if ledger is None or not run.services.target.costs:
        yield lambda: None
        return
    spending, spec = Spending(ledger, run.run_id), run.spec
    worst, rate = price_of(
        what, run.plan.lock, run.services.rates(spec.owner), limited=_is_limited(run), at_once=at_once
    )
    out_of = HELD if run.request.kind == "vary" else None
    with spending.on(what, key or f"{what}-{run.attempt}", worst, rate, out_of=out_of) as meter:
        meter.starts({"app": spec.app, "attempt": spec.attempt})
        run.note(spent_usd=float(ledger.state(run.run_id).estimated))
        yield lambda: meter.ends(worst)
    money = ledger.watch(run.run_id)
    run.note(spent_usd=float(money.best))


def _is_limited(run: RunContext) -> bool:
    source = run.worktree.read(f"{run.app_dir}/app.py")
    return source is not None and is_limited(source, run.plan.lock)


def price_of(what: What, lock: Lock, rates: Rates, *, limited: bool, at_once: int = 1) -> tuple[Decimal, Decimal]:
    """`(worst case, per second)` in US dollars; `at_once`: of the calls of a grid."""
    match what:
        case "build":
            builder = CpuFunction(cpu=BUILD_CORES, memory_mib=BUILD_MEMORY_MIB, timeout_seconds=BUILD_SECONDS)
            worst, rate = _of_function(builder, rates)
            if lock.models:  # they are fetched at the end of it
                worst += _of_function(fetch_models_function(), rates)[0]
            return worst, rate
        case "preflight":
            return _of_function(preflight_function(lock), rates)
        case "vary":  # one call of those at once, each with its share of the containers that are there all the time
            containers = max(lock.scaling.min_containers, at_once)
            most_cpu, most_memory = (lock.hardware.cpu, lock.hardware.memory_mib) if limited else (None, None)
            seconds = longest_call(lock.timeouts, lock.scaling) + SLACK_SECONDS
            worst = worst_case(
                seconds,
                lock.hardware,
                rates,
                containers=containers,
                most_cpu=most_cpu,
                most_memory_mib=most_memory,
            )
            return dollars(worst / at_once), usd_per_second(lock.hardware, rates) * containers / at_once
        case _:
            seconds = longest_call(lock.timeouts, lock.scaling, calls=TEST_CALLS) + SLACK_SECONDS
            scaling, hardware = lock.scaling, lock.hardware
            worst = worst_case(
                seconds,
                hardware,
                rates,
                containers=max(scaling.min_containers, min(scaling.max_containers, AT_ONCE)),
                most_cpu=hardware.cpu if limited else None,
                most_memory_mib=hardware.memory_mib if limited else None,
            )
            return worst, usd_per_second(hardware, rates) * max(scaling.min_containers, 1)


def _of_function(function: CpuFunction, rates: Rates) -> tuple[Decimal, Decimal]:
    rate = rates.per_second(None, function.cpu, function.memory_mib)
    return dollars(rate * Decimal(function.timeout_seconds + SLACK_SECONDS)), rate
