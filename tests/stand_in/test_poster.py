"""The stand-in's pixels against ComfyUI's: `sample.png` of the committed poster was made by a real one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from tests.engine import stand_in
from tests.stand_in.test_protocol import Client

ROOT = Path(__file__).parents[2]
ROUNDING = 3
"""Of 255: both engines round once, and the sample was scaled down."""


def test_the_poster_looks_as_comfyui_makes_it() -> None:
    plan = make_plan(parse_workflow((ROOT / "examples/poster.json").read_bytes(), filename="p"), filename="p.json")
    (output,) = plan.interface["$defs"]["outputs"]["properties"].values()
    with stand_in(plan.lock.comfyui.version) as url:
        client = Client(url)
        (data,) = client.outputs(plan.prompt, output["x-flowberth"]["node"])
        client.http.close()
    wanted = Image.open(ROOT / "apps/modal/poster/sample.png").convert("RGB")
    found = Image.open(io.BytesIO(data)).convert("RGB").resize(wanted.size, Image.Resampling.LANCZOS)
    difference = np.abs(np.asarray(found, np.int16) - np.asarray(wanted, np.int16))
    assert difference.max() <= ROUNDING
