"""From what a workflow loads to the smallest hardware that holds it, with the price.

Prices are Modal's of September 2026, in US dollars per second; a live table of an account overrides them later. Regions
and non-preemptible containers cost more.
"""

from __future__ import annotations

from typing import Final

from codegen.lock import Gpu, Hardware, ModelPin

PRICES_AS_OF: Final = "2026-09"
GPU_PRICES: Final[dict[Gpu, float]] = {
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
}
"""Cheapest first."""
GPU_MEMORY_GB: Final[dict[Gpu, int]] = {
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
CPU_CORE_PRICE: Final = 0.0000131
MEMORY_GIB_PRICE: Final = 0.00000222

LARGEST: Final[Gpu] = "B200"
GIB: Final = 1024**3
STAGE_FACTOR: Final = 1.15
"""VRAM of a stage over its file: buffers beside the weights. A rule of thumb, not measured."""
WORKING_GB: Final = {"image": 4.0, "video": 12.0, "audio": 4.0, "mesh": 6.0, "text": 4.0}
"""Activations beside the weights, by what comes out."""
MEMORY_HEADROOM_GIB: Final = 8
"""ComfyUI, torch and Python beside the models that are held in memory between stages."""
CPU_ONLY_MEMORY_GIB: Final = 4
UNKNOWN_MEMORY_GIB: Final = 32
DEFAULT_CPU: Final = 4.0
CPU_ONLY_CPU: Final = 2.0


def choose_hardware(models: tuple[ModelPin, ...], kinds: frozenset[str], wanted: Gpu | None) -> Hardware:
    """GPU, cores and memory with the reason. `kinds` are those of the outputs."""
    if not models and wanted is None:
        return _hardware(None, CPU_ONLY_CPU, CPU_ONLY_MEMORY_GIB, "no node loads a model, so no GPU is needed")
    sizes = [model.bytes for model in models if model.bytes is not None]
    if wanted is not None:
        total = sum(sizes) / GIB if len(sizes) == len(models) else UNKNOWN_MEMORY_GIB - MEMORY_HEADROOM_GIB
        return _hardware(wanted, DEFAULT_CPU, round(total) + MEMORY_HEADROOM_GIB, "asked for")
    if len(sizes) < len(models):
        usual: Gpu = "A100-80GB" if "video" in kinds else "L40S"
        reason = (
            f"the size of {len(models) - len(sizes)} of {len(models)} models is not known; "
            f"{GPU_MEMORY_GB[usual]} GB hold most {'video' if 'video' in kinds else 'image'} workflows"
        )
        return _hardware(usual, DEFAULT_CPU, UNKNOWN_MEMORY_GIB, reason)
    largest = max(sizes) / 1e9
    working = max((WORKING_GB.get(kind, 4.0) for kind in kinds), default=4.0)
    needed = largest * STAGE_FACTOR + working
    reason = f"the largest model has {largest:.1f} GB; with {working:.0f} GB to work in that makes {needed:.1f} GB"
    return _hardware(_cheapest(needed), DEFAULT_CPU, round(sum(sizes) / GIB) + MEMORY_HEADROOM_GIB, reason)


def _cheapest(needed_gb: float) -> Gpu:
    for gpu in GPU_PRICES:
        if GPU_MEMORY_GB[gpu] >= needed_gb:
            return gpu
    return LARGEST


def _hardware(gpu: Gpu | None, cpu: float, memory_gib: int, reason: str) -> Hardware:
    price = (GPU_PRICES[gpu] if gpu else 0.0) + cpu * CPU_CORE_PRICE + memory_gib * MEMORY_GIB_PRICE
    return Hardware(gpu=gpu, cpu=cpu, memory_mib=memory_gib * 1024, usd_per_second=round(price, 9), reason=reason)
