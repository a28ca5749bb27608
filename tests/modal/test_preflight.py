"""The preflight of a generated app, in a container that has what was uploaded and what its image names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import modal
import pytest

from runner.preflight import read_preflight
from tests.modal.cli import copy_of_poster
from tests.modal.cli import modal as command_line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long


def test_an_app_says_itself_what_it_lacks(modal_bed: ModalBed, client: modal.Client, tmp_path: Path) -> None:
    app_py = copy_of_poster(tmp_path)
    assert command_line(modal_bed.environment(), "deploy", app_py).returncode == 0
    look: Any = modal.Function.from_name("poster", "preflight", client=client)
    found = read_preflight(look.remote())
    assert found.passed, found
    assert found.engine_version == "0.3.64"
    prompt = json.loads((app_py.parent / "prompt.json").read_text())
    assert set(found.definitions) == {node["class_type"] for node in prompt.values()}

    prompt["999"] = {"class_type": "Sharpen+", "inputs": {}}
    (app_py.parent / "prompt.json").write_text(json.dumps(prompt))
    assert command_line(modal_bed.environment(), "deploy", app_py).returncode == 0
    found = read_preflight(look.remote())
    assert (found.passed, found.missing_classes) == (False, ("Sharpen+",))
