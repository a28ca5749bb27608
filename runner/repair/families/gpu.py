"""Memory, and GPUs that do not fit what was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.hardware import GPU_MEMORY_GB, LARGEST_MEMORY_GIB, PRICES
from codegen.lock_changes import ConstrainPackage, SetGpu, SetMemory
from runner.repair.diagnosis import GiveUp, Question
from runner.repair.families.common import held_torch
from runner.repair.found import Found, Outcome, Step, outcome

if TYPE_CHECKING:
    from codegen.lock import Gpu

BLACKWELL: Final[frozenset[Gpu]] = frozenset({"B200", "RTX-PRO-6000"})
"""Compute capability 10 and 12: wheels before CUDA 12.8 have no code for them."""
BEFORE_AMPERE: Final[frozenset[Gpu]] = frozenset({"T4"})
"""No bfloat16, and no flash attention."""
SMALLEST_MEMORY_MIB: Final = 8 * 1024
LARGEST_MEMORY_MIB: Final = LARGEST_MEMORY_GIB * 1024


def larger_gpu(found: Found) -> Outcome | None:
    """The cheapest that has more memory; when there is none, people make the work smaller: never silently."""
    now = found.lock.hardware.gpu
    steps: list[Step] = [(SetGpu(gpu=gpu),) for gpu in _gpus(found, more_than=GPU_MEMORY_GB[now] if now else 0)[:1]]
    text = (
        f"{now or 'The machine'} has not enough memory for the workflow, and there is no larger GPU that may be used."
    )
    answer = (
        "Make it smaller where the workflow asks for much: fewer frames, a smaller picture or batch, or a quantised "
        "model; then submit it again. Or allow a larger GPU in the repository's settings, and comment `/deploy`."
    )
    return outcome(*steps, Question(text=text, answer=answer), subject=str(now), gpu=str(now or "the machine"))


def more_memory(found: Found) -> Outcome | None:
    """Twice the memory of the machine."""
    now = found.lock.hardware.memory_mib
    wanted = min(max(now * 2, SMALLEST_MEMORY_MIB), LARGEST_MEMORY_MIB)
    end = GiveUp(why=f"the workflow needs more memory than a machine has: {now // 1024} GiB were not enough")
    return outcome((SetMemory(mib=wanted),), end, subject=str(now), gib=str(now // 1024))


def other_gpu(found: Found) -> Outcome | None:
    """A GPU that what is installed has code for, with no less memory; else a torch that has code for this one."""
    now = found.lock.hardware.gpu
    if now is None:
        return None
    odd = BLACKWELL if now in BLACKWELL else BEFORE_AMPERE
    least = GPU_MEMORY_GB[now]
    fitting: list[Gpu] = [gpu for gpu in _gpus(found, more_than=least - 1) if gpu not in odd and gpu != now]
    fitting = fitting or [gpu for gpu in reversed(_by_memory(found)) if gpu not in odd and gpu != now]
    steps: list[Step] = [(SetGpu(gpu=gpu),) for gpu in fitting[:1]]
    torch = held_torch(found.lock.dependencies.exclude_newer)
    in_order = [*steps, torch] if now in BLACKWELL | BEFORE_AMPERE else [torch, *steps]
    end = GiveUp(why=f"a package in the app has no code for {now}, and no other GPU may be used")
    return outcome(*in_order, end, subject=now, gpu=now)


def a_gpu(found: Found) -> Outcome | None:
    """The smallest one that is wise, where the lock has none though a node needs one."""
    if found.lock.hardware.gpu is not None:
        return None
    steps: list[Step] = [(SetGpu(gpu=gpu),) for gpu in _gpus(found, more_than=16)[:1]]
    return outcome(*steps, GiveUp(why="a node needs a GPU, and the repository's settings allow none"), subject="none")


def older_torch(_: Found) -> Outcome | None:
    """The driver is Modal's: torch must not ask for a newer one."""
    bounds = ("torch<2.11", "torchvision<0.26", "torchaudio<2.11")
    return outcome(tuple(ConstrainPackage(requirement=bound) for bound in bounds), subject="torch")


def _gpus(found: Found, *, more_than: int) -> list[Gpu]:
    """Those that may be used and have more memory than so many GB, the cheapest first."""
    allowed: list[Gpu] = [
        gpu for gpu, memory in GPU_MEMORY_GB.items() if memory > more_than and (found.gpus is None or gpu in found.gpus)
    ]
    return sorted(allowed, key=lambda gpu: PRICES.gpus[gpu])


def _by_memory(found: Found) -> list[Gpu]:
    return sorted(_gpus(found, more_than=0), key=lambda gpu: GPU_MEMORY_GB[gpu])
