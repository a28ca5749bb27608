"""From what a workflow loads to the smallest hardware that holds it, with the price.

A GPU has to hold the largest stage (`codegen.stages`), the machine's memory all files: ComfyUI keeps there what the
GPU does not need at the moment.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from codegen.lock import Gpu, Hardware, Timeouts
from codegen.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codegen.models.find import FoundModel
    from codegen.stages import Stage


class Prices(Frozen):
    """US dollars per second of use, in one region, preemptible; others cost more."""

    as_of: date
    gpus: dict[Gpu, float]
    cpu_core: float
    memory_gib: float


PRICES: Final = Prices(
    as_of=date(2026, 9, 1),
    gpus={
        "T4": 0.000164,
        "L4": 0.000222,
        "A10": 0.000306,
        "L40S": 0.000542,
        "A100-40GB": 0.000583,
        "A100-80GB": 0.000694,
        "RTX-PRO-6000": 0.000842,
        "H100": 0.001097,
        "H200": 0.001261,
        "B200": 0.001736,
    },
    cpu_core=0.0000131,
    memory_gib=0.00000222,
)
"""Modal's list prices (https://modal.com/pricing). Those of an account, read live, take their place."""

GPU_MEMORY_GB: Final[Mapping[Gpu, int]] = {
    "T4": 16,
    "L4": 24,
    "A10": 24,
    "L40S": 48,
    "A100-40GB": 40,
    "A100-80GB": 80,
    "RTX-PRO-6000": 96,
    "H100": 80,
    "H200": 141,
    "B200": 192,
}
"""GB as the maker counts them (https://modal.com/docs/guide/gpu)."""
LARGEST: Final[Gpu] = "B200"
FIT_FOR_VIDEO: Final[frozenset[Gpu]] = frozenset(GPU_MEMORY_GB) - {"T4"}
"""A T4 has no bfloat16, in which video models are made, and would take minutes for a second of video."""

GB: Final = 1e9
GIB: Final = 1024**3
STAGE_FACTOR: Final = 1.15
"""VRAM of a stage over its files: buffers beside the weights. A rule of thumb, not measured."""
GUESS_FACTOR: Final = 1.1
"""On top, where a size is only about known: notes and names round."""
WORKING_GB: Final[Mapping[str, float]] = {"image": 4.0, "video": 12.0, "audio": 4.0, "mesh": 6.0, "text": 4.0}
"""Activations beside the weights, by what comes out."""
OTHER_WORKING_GB: Final = 4.0
MEMORY_HEADROOM_GIB: Final = 8
"""ComfyUI, torch and Python beside the models that are held in memory between stages."""
MEMORY_STEP_GIB: Final = 4
"""Memory is asked for in steps, so that a note that rounds otherwise makes no other lock."""
LARGEST_MEMORY_GIB: Final = 336
"""What Modal gives a container at most."""
CPU_ONLY_MEMORY_GIB: Final = 4
UNKNOWN_MODEL_GB: Final[Mapping[str, float]] = {"video": 28.0}
"""A model of which nothing tells the size: most have no more, so this is as much as is wise to pay for."""
OTHER_UNKNOWN_MODEL_GB: Final = 16.0
DEFAULT_CPU: Final = 4.0
CPU_ONLY_CPU: Final = 2.0

LONGEST_NAME: Final = 80
"""Of a file, in the reason."""
LOADING_GB_PER_SECOND: Final = 0.25
"""From a volume into memory when nobody has read the files before; warm it is several times as fast."""
EXECUTION_SECONDS: Final[Mapping[str, int]] = {"video": 1800, "mesh": 1200, "audio": 900}
"""How long one job may take, beside loading its models, by what comes out."""
OTHER_EXECUTION_SECONDS: Final = 600
LONGEST_SECONDS: Final = 3600


class Load(Frozen):
    """Something that is loaded."""

    name: str
    """For people, as printable letters."""
    gigabytes: float | None
    """With the margin of a guess; `None` if nothing tells."""
    exact: bool
    nodes: tuple[str, ...]


def loaded_files(models: Sequence[FoundModel], unnamed: Sequence[str]) -> tuple[Load, ...]:
    """The files that nodes name, and one of unknown size for each node that loads something without naming it."""
    named = (
        Load(
            name=ascii(model.pin.file.rsplit("/", 1)[-1])[1:-1][:LONGEST_NAME],
            gigabytes=_gigabytes(model),
            exact=model.pin.bytes is not None,
            nodes=model.nodes,
        )
        for model in models
    )
    others = (
        Load(name=f"what node {ascii(node)[1:-1][:LONGEST_NAME]} loads", gigabytes=None, exact=False, nodes=(node,))
        for node in unnamed
    )
    return (*named, *others)


def choose_hardware(
    loads: Sequence[Load],
    stages: Sequence[Stage],
    kinds: frozenset[str],
    wanted: Gpu | None = None,
    prices: Prices = PRICES,
) -> Hardware:
    """GPU, cores and memory with the reason. `stages` count `loads`; `kinds` are those of the outputs."""
    if not loads and wanted is None:
        reason = "no node loads a model, so no GPU is needed"
        return _hardware(None, CPU_ONLY_CPU, CPU_ONLY_MEMORY_GIB, reason, prices)
    sizes = [_size(load, kinds) for load in loads]
    memory = _memory(sum(sizes))
    if wanted is not None:
        return _hardware(wanted, DEFAULT_CPU, memory, "asked for", prices)
    needs = [sum(sizes[number] for number in stage.files) for stage in stages] or [sum(sizes)]
    largest = max(needs)
    files = stages[needs.index(largest)].files if stages else frozenset(range(len(loads)))
    working = max((WORKING_GB.get(kind, OTHER_WORKING_GB) for kind in kinds), default=OTHER_WORKING_GB)
    total = largest * STAGE_FACTOR + working
    gpu = cheapest_gpu(total, FIT_FOR_VIDEO if "video" in kinds else frozenset(GPU_MEMORY_GB), prices)
    reason = (
        f"the largest stage, {_what(loads, sorted(files, key=lambda number: -sizes[number]), largest)}; "
        f"with buffers and {working:.0f} GB to work in that makes {total:.1f} GB"
    )
    if gpu is None:
        gpu = LARGEST
        reason += ", more than any has: parts of it wait in the machine's memory"
    return _hardware(gpu, DEFAULT_CPU, memory, reason, prices)


def choose_timeouts(loads: Sequence[Load], kinds: frozenset[str]) -> Timeouts:
    """Long enough for a first job, which reads all files."""
    loading = sum(_size(load, kinds) for load in loads) / LOADING_GB_PER_SECOND
    working = max((EXECUTION_SECONDS.get(kind, OTHER_EXECUTION_SECONDS) for kind in kinds), default=0)
    seconds = max(working, OTHER_EXECUTION_SECONDS) + loading
    return Timeouts(execution_seconds=min(round(seconds / 60) * 60, LONGEST_SECONDS))


def cheapest_gpu(needed_gb: float, allowed: frozenset[Gpu], prices: Prices = PRICES) -> Gpu | None:
    """The one that holds so much for the least money; `None` if there is none."""
    best: Gpu | None = None
    for gpu, price in prices.gpus.items():
        if gpu in allowed and GPU_MEMORY_GB[gpu] >= needed_gb and (best is None or price < prices.gpus[best]):
            best = gpu
    return best


def price_per_second(gpu: Gpu | None, cpu: float, memory_mib: int, prices: Prices = PRICES) -> float:
    """US dollars for a second of all three."""
    price = (prices.gpus[gpu] if gpu else 0.0) + cpu * prices.cpu_core + memory_mib / 1024 * prices.memory_gib
    return round(price, 9)


def _gigabytes(model: FoundModel) -> float | None:
    if model.pin.bytes is not None:
        return model.pin.bytes / GB
    return None if model.about_bytes is None else model.about_bytes / GB * GUESS_FACTOR


def _size(load: Load, kinds: frozenset[str]) -> float:
    if load.gigabytes is not None:
        return load.gigabytes
    return UNKNOWN_MODEL_GB["video"] if "video" in kinds else OTHER_UNKNOWN_MODEL_GB


def _memory(total_gb: float) -> int:
    needed = total_gb * GB / GIB + MEMORY_HEADROOM_GIB
    return min(-int(-needed // MEMORY_STEP_GIB) * MEMORY_STEP_GIB, LARGEST_MEMORY_GIB)


def _what(loads: Sequence[Load], largest_first: Sequence[int], gigabytes: float) -> str:
    others = len(largest_first) - 1
    beside = f" and {others} more file{'s' if others > 1 else ''}" if others else ""
    name = f"{loads[largest_first[0]].name}{beside}"
    if any(loads[number].gigabytes is None for number in largest_first):
        return f"{name}, is of unknown size and counts {gigabytes:.1f} GB"
    about = "" if all(loads[number].exact for number in largest_first) else "about "
    return f"{name}, has {about}{gigabytes:.1f} GB"


def _hardware(gpu: Gpu | None, cpu: float, memory_gib: int, reason: str, prices: Prices) -> Hardware:
    memory_mib = memory_gib * 1024
    price = price_per_second(gpu, cpu, memory_mib, prices)
    return Hardware(gpu=gpu, cpu=cpu, memory_mib=memory_mib, usd_per_second=price, reason=reason)
