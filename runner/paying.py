"""What the parts of an attempt may cost, and that it is reserved before they begin."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from runner.budget.prices import LIST_RATES, longest_call, usd_per_second, worst_case
from runner.budget.spending import Spending

if TYPE_CHECKING:
    from collections.abc import Generator
    from decimal import Decimal

    from codegen.lock import Lock
    from runner.budget.model import What
    from runner.context import RunContext

BUILD_SECONDS: Final = 3600.0
"""The target gives a build no longer."""
BUILD_CORES: Final = 8.0
BUILD_MEMORY_MIB: Final = 32 * 1024
"""Of the machine that builds an image: Modal says nothing of it. Compiling a pack's kernels with more is not known."""
LOOK_SECONDS: Final = 600.0
"""Of a preflight beside ComfyUI's own start: looking at the prompt takes seconds."""
TEST_CALLS: Final = 4
"""Of the workflow, one after the other: cold, again, and two that wait for each other."""


@contextmanager
def paid(run: RunContext, what: What) -> Generator[None]:
    """A part of an attempt goes on inside; its worst case is reserved before. Where nothing costs, nothing is.

    Raises:
        OverBudget: it must not begin.
    """
    ledger = run.services.ledger
    if ledger is None or not run.services.target.costs:
        yield
        return
    worst, rate = _price(what, run.plan.lock)
    spending, spec = Spending(ledger, run.run_id), run.spec
    with spending.on(what, f"{what}-{run.attempt}", worst, rate) as meter:
        meter.starts({"app": spec.app, "attempt": spec.attempt})
        run.note(spent_usd=float(ledger.state(run.run_id).estimated))
        yield
    money = ledger.watch(run.run_id)
    run.note(spent_usd=float(money.best))


def _price(what: What, lock: Lock) -> tuple[Decimal, Decimal]:
    """`(worst case, per second)` in US dollars."""
    without_gpu = lock.hardware.model_copy(update={"gpu": None})
    match what:
        case "build":
            builder = without_gpu.model_copy(update={"cpu": BUILD_CORES, "memory_mib": BUILD_MEMORY_MIB})
            worst = worst_case(BUILD_SECONDS, builder, most_cpu=BUILD_CORES, most_memory_mib=BUILD_MEMORY_MIB)
            return worst, usd_per_second(builder)
        case "preflight":
            return worst_case(lock.timeouts.startup_seconds + LOOK_SECONDS, without_gpu), usd_per_second(without_gpu)
        case _:
            seconds = longest_call(lock.timeouts, lock.scaling, calls=TEST_CALLS)
            return worst_case(seconds, lock.hardware), usd_per_second(lock.hardware, LIST_RATES)
