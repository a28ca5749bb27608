"""Facts of a tested app in words, the same in every document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codegen.lock import Hardware, ModelPin
    from runner.model import Report

SIMULATED = (
    "The stand-in engine answered, not ComfyUI: whatever needs a model is SIMULATED, and so are times and costs. "
    "This shows that the app and its interface work, not that the workflow does, and does not count as a deployment "
    "that worked."
)
_KIBI = 1024


def engine(report: Report) -> str:
    """Which engine answered."""
    name = "ComfyUI" if report.engine == "comfyui" else "Stand-in for ComfyUI"
    return f"{name} {report.engine_version}"


def hardware(pins: Hardware) -> str:
    """What the app runs on, with its price."""
    gpu = pins.gpu or "no GPU"
    return f"{gpu}, {pins.cpu:g} cores, {pins.memory_mib / _KIBI:.0f} GiB, ${pins.usd_per_second:.6f} a second"


def cost(report: Report) -> str:
    """Of one warm call."""
    found = report.cost
    return f"${found.usd:.6f} ({found.basis}: {found.execution_seconds:.2f} s at ${found.usd_per_second:.6f} a second)"


def times(report: Report) -> str:
    """Cold and warm."""
    warm = "" if report.warm_seconds is None else f", then {report.warm_seconds:.2f} s a call"
    return f"{report.cold_start_seconds:.1f} s to start{warm}"


def outcome(report: Report) -> str:
    """How many tests passed."""
    passed = sum(test.passed for test in report.tests)
    return f"{passed} of {len(report.tests)} tests passed"


def size(model: ModelPin) -> str:
    """Of a model's file."""
    return "unknown" if model.bytes is None else f"{model.bytes / _KIBI**3:.2f} GiB"
