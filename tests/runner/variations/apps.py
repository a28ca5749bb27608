"""An app to vary: its interface, its prompt, its lock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from codegen.lock import ComfyPin, Dependencies, Hardware, Lock, Scaling
from runner.variations.files import Record
from runner.variations.model import CellResult, Grid, Value, Variations


def of(kind: str, *targets: tuple[str, str], **schema: Any) -> dict[str, Any]:
    return {**schema, "x-flowberth": {"kind": kind, "targets": [list(target) for target in targets]}}


INTERFACE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "prompt": of("text", ("1", "text"), type="string", default="a cat", maxLength=60),
        "seed": of("seed", ("2", "seed"), type="integer", minimum=0, maximum=2**64 - 1),
        "steps": of("integer", ("2", "steps"), ("3", "steps"), type="integer", minimum=1, maximum=100, default=20),
        "cfg": of("number", ("2", "cfg"), type="number", minimum=0.0, maximum=30.0, default=7.0),
        "sampler": of("choice", ("2", "sampler"), enum=["euler", "dpm_2", "DDIM"], default="euler"),
        "upscale": of("boolean", ("3", "on"), type="boolean", default=False),
        "image": of("image", ("4", "image"), type="string"),
    },
    "required": ["image"],
    "$defs": {"outputs": {"properties": {"image": {"x-flowberth": {"kind": "image", "node": "5"}}}}},
}
PROMPT: dict[str, Any] = {
    "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 7.0, "sampler": "euler"}},
    "3": {"class_type": "Upscale", "inputs": {"steps": 20, "on": False}},
    "4": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}
LOCK = Lock(
    name="poster",
    runtime="1.0.0",
    comfyui=ComfyPin(version="0.3.64", reason="the oldest"),
    dependencies=Dependencies(exclude_newer=date(2025, 10, 1)),
    hardware=Hardware(gpu="L4", cpu=4, memory_mib=16384, usd_per_second=0.0003, reason="the smallest"),
    scaling=Scaling(max_containers=3),
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def cell(number: int, **facts: Any) -> CellResult:
    facts = {"number": number, "inputs": {"steps": number}, "state": "made", **facts}
    return CellResult.model_validate(facts)


def record(grid: Grid, *cells: CellResult, **facts: Any) -> Record:
    return Record(
        app="poster",
        run="run_abcdefghijklmnopqrst",
        commit="c" * 40,
        lock_sha256="0" * 64,
        made_at=NOW,
        target="modal",
        variations=Variations(grid=grid, cells=cells, **facts),
    )


def values(grid: Grid) -> dict[str, tuple[Value, ...]]:
    return {axis.name: axis.values for axis in grid.axes}
