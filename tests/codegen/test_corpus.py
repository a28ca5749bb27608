"""Every workflow that ComfyUI ships as a template: planned and rendered as a formatter would have it."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

from codegen.errors import CodegenError
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = files("comfyui_workflow_templates_json") / "templates"


def names() -> list[str]:
    return sorted(
        entry.name
        for entry in TEMPLATES.iterdir()
        if entry.name.endswith(".json") and not entry.name.startswith("index")
    )


def test_every_template_is_planned_or_refused_in_words_and_its_app_is_formatted(tmp_path: Path) -> None:
    refused: list[str] = []
    for number, name in enumerate(names()):
        data = (TEMPLATES / name).read_bytes()
        try:
            app = app_files(make_plan(parse_workflow(data, filename=name), filename=name))["app.py"]
        except CodegenError as error:
            refused.append(str(error))
            continue
        (tmp_path / f"app_{number}.py").write_bytes(app)
    assert all(words.startswith("fuse_options.json: found a JSON") for words in refused), refused
    check = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length=120", str(tmp_path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
