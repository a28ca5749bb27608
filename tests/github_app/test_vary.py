"""`flowberth vary` through the real script: values go in, a contact sheet comes out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.model import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable

POSTER = Path(__file__).parents[2] / "examples" / "poster.json"


def refusal(said: Any) -> str:
    assert said.code == 2, said.err
    assert set(said.json) == {"error"}
    return said.json["error"]["message"]


@pytest.mark.long
def test_an_app_is_varied_and_what_cannot_be_is_refused_before_anything_is_made(
    flowberth_process: Callable[..., Any], data_dir: Path
) -> None:
    assert "there is no app poster on a branch" in refusal(flowberth_process("vary", "poster", "sky=1,2", "--json"))
    assert flowberth_process("up", POSTER, "--offline").code == 0
    assert "no input skyy" in refusal(flowberth_process("vary", "poster", "skyy=1,2", "--json"))
    assert "1,000,000,000 variations" in refusal(flowberth_process("vary", "poster", "sun_height=1..1e9", "--json"))
    assert len(flowberth_process("runs", "list", "--json").json["runs"]) == 1

    said = flowberth_process("vary", "poster", "sky=2371678,11259375", "sun_height=100..300:200", "--json")
    assert said.code == 0, said.err
    result = RunResult.model_validate(said.json)
    assert result.variations is not None
    assert [cell.inputs for cell in result.variations.made] == [
        {"sky": sky, "sun_height": height} for sky in (2371678, 11259375) for height in (100, 300)
    ]
    assert result.variations.recommendation is not None
    assert said.err.splitlines()[0].startswith("poster: 4 variations (2 sky × 2 sun_height), about ")
    kept = subprocess.run(
        ["git", "-C", data_dir / "demo", "show", "flowberth/poster:apps/modal/poster/variations/variations.json"],
        capture_output=True,
        check=True,
    )
    assert json.loads(kept.stdout)["variations"]["recommendation"]["number"] == result.variations.recommendation.number
    shown = flowberth_process("runs", "show", result.run_id).out
    assert "Contact sheet: apps/modal/poster/variations/sheet.jpg" in shown
    assert "vary ✓" in shown
