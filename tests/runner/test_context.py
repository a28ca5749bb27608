"""What a run plans with, once a repair has changed its lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from codegen.lock_changes import SetComfyUI
from codegen.lock_patch import LockPatch, apply
from runner.cancellation import Cancellation
from runner.context import RunContext
from runner.model import RunId, RunRequest
from tests.codegen.canvas import Canvas

if TYPE_CHECKING:
    from pathlib import Path

    from runner.progress import Recorded
    from runner.services import Services


def test_another_comfyui_gets_the_prompt_that_its_own_definitions_give(tmp_path: Path):
    canvas = Canvas()
    empty = canvas.add("EmptyImage", values=[64, 64, 1, 255])
    scaled = canvas.add("ImageScaleToTotalPixels", values=["lanczos", 1.0, 8], image=empty)
    canvas.add("SaveImage", values=["poster"], gives="", images=scaled)
    run = planning(tmp_path, json.dumps(canvas.workflow().document).encode(), core="0.3.64")
    before = run.plan
    assert before.prompt["2"]["inputs"].keys() == {"image", "upscale_method", "megapixels"}

    run.change(apply(before.lock, LockPatch(changes=(SetComfyUI(version="0.33.0"),), because="it is newer")))
    assert run.plan.lock.comfyui.version == "0.33.0"
    assert run.plan.prompt["2"]["inputs"]["resolution_steps"] == 8


def test_a_comfyui_that_nothing_is_known_of_keeps_the_prompt(tmp_path: Path):
    document = {
        "1": {"class_type": "EmptyImage", "inputs": {}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    run = planning(tmp_path, json.dumps(document).encode())
    lock = run.plan.lock
    run.change(lock.model_copy(update={"comfyui": lock.comfyui.model_copy(update={"version": "99.0.1"})}))
    assert run.plan.lock.comfyui.version == "99.0.1"
    assert run.plan.prompt.keys() == {"1", "2"}


def planning(repo: Path, workflow: bytes, core: str | None = None) -> RunContext:
    """A run that does nothing but plan."""
    request = RunRequest(repo=repo, base="main", filename="poster.json", workflow=workflow, name="poster", core=core)
    nothing = cast("Any", None)
    return RunContext(
        RunId("run_0"),
        "poster",
        request,
        cast("Services", nothing),
        cancellation=Cancellation(),
        progress=cast("Recorded", nothing),
    )
