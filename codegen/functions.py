"""The functions of an app that need no GPU: what they get, and what they can cost at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.hardware import PRICES, Prices, price_per_second
from codegen.model import Frozen

if TYPE_CHECKING:
    from codegen.lock import Lock

ASKING_SECONDS: Final = 300
"""Of a preflight, beside the start of ComfyUI (`MARGIN_SECONDS` of the runtime's `preflight.py`)."""
FETCHING_SECONDS: Final = 7200
"""200 GB at a modest rate; what has come until then stays, and the next call goes on."""
LONGEST_SECONDS: Final = 86_400
"""Modal ends whatever takes longer."""


class CpuFunction(Frozen):
    """What a function asks Modal for."""

    cpu: float
    memory_mib: int
    timeout_seconds: int

    def most_usd(self, prices: Prices = PRICES) -> float:
        """What one call costs if it takes all of its time and no more than it asks for."""
        return price_per_second(None, self.cpu, self.memory_mib, prices) * self.timeout_seconds


def limited(amount: float) -> str:
    """Python source: so many cores, or MiB, as what is asked for and as the most that may be used and is paid for."""
    return f"({amount!r}, {amount!r})"


def is_limited(source: bytes, lock: Lock) -> bool:
    """Whether an `app.py` keeps the containers of the app to what the lock says: all that were rendered of late do.

    What people have edited may not; nor what an older Flowberth has rendered.
    """
    cpu, memory = limited(lock.hardware.cpu), limited(lock.hardware.memory_mib)
    return f"    cpu={cpu},".encode() in source and f"    memory={memory},".encode() in source


def preflight_function(lock: Lock) -> CpuFunction:
    """ComfyUI with its packs takes 1 to 3 GiB without a model; importing torch is what takes the time."""
    seconds = min(LONGEST_SECONDS, lock.timeouts.startup_seconds + ASKING_SECONDS)
    return CpuFunction(cpu=2.0, memory_mib=4096, timeout_seconds=seconds)


def fetch_models_function() -> CpuFunction:
    """Four downloads at once, each hashed as it comes."""
    return CpuFunction(cpu=2.0, memory_mib=1024, timeout_seconds=FETCHING_SECONDS)
