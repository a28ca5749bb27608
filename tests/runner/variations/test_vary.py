"""A grid made through the deployed app: what is committed, what is told, and what a crash or an empty purse leaves."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.runner.bench import git

if TYPE_CHECKING:
    from tests.runner.bench import Bench

APP = "apps/modal/poster"


def committed(bench: Bench, path: str) -> bytes:
    import subprocess

    shown = subprocess.run(
        ["git", "show", f"flowberth/poster:{APP}/{path}"], cwd=bench.repo, check=True, capture_output=True
    )
    return shown.stdout


def record(bench: Bench) -> Any:
    return json.loads(committed(bench, "variations/variations.json"))


def test_a_grid_is_made_and_put_on_a_sheet(bench: Bench) -> None:
    bench.do("up")
    result = bench.do("vary", vary="width=64,128 height=64,96,128")
    assert (result["state"], result["reason"]) == ("succeeded", None)
    print(json.dumps(result, indent=1))
    print(bench.journal())
