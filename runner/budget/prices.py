"""What seconds of hardware cost: the list prices of `codegen.hardware`, or those of an account, read live."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from codegen.hardware import LARGEST_MEMORY_GIB, PRICES
from codegen.lock import Gpu
from runner.budget.errors import PriceUnknown
from runner.budget.money import dollars
from runner.model import Frozen

if TYPE_CHECKING:
    from codegen.hardware import Prices
    from codegen.lock import Hardware, Scaling, Timeouts

BROAD_REGION: Final = Decimal("1.5")
NARROW_REGION: Final = Decimal("1.75")
"""Factors of an app that says where it runs (https://modal.com/docs/guide/region-selection): in the `us`, in
`us-west`. Ours do not say."""
NON_PREEMPTIBLE: Final = Decimal(3)
"""Factor of CPU and memory of a function that is never moved (https://modal.com/docs/guide/preemption). Ours may be."""
BURST_CORES: Final = 16
"""A container may use, and is billed for, so many physical cores above what it has asked for, unless the app sets a
limit. Memory has no limit at all then (https://modal.com/docs/guide/resources)."""


def _exact(number: float) -> Decimal:
    """As it prints: 0.1 is a tenth."""
    return Decimal(str(number))


class Rates(Frozen):
    """US dollars per second of use."""

    as_of: date
    live: bool = False
    """Read from an account, not from the list."""
    gpus: dict[Gpu, Decimal]
    cpu_core: Decimal
    memory_gib: Decimal
    region: Decimal = Decimal(1)
    """Factor of everything, for apps that say where they run."""
    preemption: Decimal = Decimal(1)
    """Factor of CPU and memory, for apps that must not be moved."""

    def per_second(self, gpu: Gpu | None, cpu: float, memory_mib: float) -> Decimal:
        """A container with all three.

        Raises:
            PriceUnknown: there is no rate for the GPU.
        """
        if gpu is not None and gpu not in self.gpus:
            raise PriceUnknown(f"there is no price for {gpu} in the rates of {self.as_of}")
        machine = _exact(cpu) * self.cpu_core + _exact(memory_mib) / 1024 * self.memory_gib
        return ((self.gpus[gpu] if gpu else Decimal(0)) + machine * self.preemption) * self.region


def list_rates(prices: Prices = PRICES) -> Rates:
    """The rates of a dated table."""
    return Rates(
        as_of=prices.as_of,
        gpus={gpu: _exact(price) for gpu, price in prices.gpus.items()},
        cpu_core=_exact(prices.cpu_core),
        memory_gib=_exact(prices.memory_gib),
    )


LIST_RATES: Final = list_rates()


def worst_case(
    seconds: float,
    hardware: Hardware,
    rates: Rates = LIST_RATES,
    *,
    containers: int = 1,
    most_cpu: float | None = None,
    most_memory_mib: int | None = None,
) -> Decimal:
    """US dollars that so many seconds cost at most.

    Args:
        seconds: after which we stop it ourselves, by the clock on the wall: start-up, waiting and the time until an
            idle container is put away are paid for too. A moved container starts again, but within that time.
        hardware: of one container.
        rates: per second.
        containers: at the same time.
        most_cpu: cores that the app limits a container to; without, `BURST_CORES` more than it asks for.
        most_memory_mib: the same of memory; without, as much as Modal has.

    Raises:
        PriceUnknown: there is no rate for the GPU.
    """
    cpu = hardware.cpu + BURST_CORES if most_cpu is None else max(most_cpu, hardware.cpu)
    most = LARGEST_MEMORY_GIB * 1024 if most_memory_mib is None else max(most_memory_mib, hardware.memory_mib)
    return dollars(_exact(seconds) * containers * rates.per_second(hardware.gpu, cpu, most))


def estimate(seconds: float, hardware: Hardware, rates: Rates = LIST_RATES) -> Decimal:
    """US dollars for seconds of one container that uses what it has asked for.

    Raises:
        PriceUnknown: there is no rate for the GPU.
    """
    return dollars(_exact(seconds) * usd_per_second(hardware, rates))


def usd_per_second(hardware: Hardware, rates: Rates = LIST_RATES) -> Decimal:
    """Of one container that uses what it has asked for; what `Ledger.start` wants to know.

    Raises:
        PriceUnknown: there is no rate for the GPU.
    """
    return rates.per_second(hardware.gpu, hardware.cpu, hardware.memory_mib)


def longest_call(timeouts: Timeouts, scaling: Scaling, *, calls: int = 1) -> int:
    """Seconds that calls one after the other can keep a container: its start, each to its timeout, and the idling."""
    return timeouts.startup_seconds + calls * timeouts.execution_seconds + scaling.scaledown_window_seconds
