"""`apps/modal/poster` is what `flowberth up examples/poster.json` committed, to the byte."""

from __future__ import annotations

import json
from pathlib import Path

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files
from runner import documents
from runner.knowledge import entry_path
from runner.knowledge.page import entry_page
from runner.model import Report, Sample

ROOT = Path(__file__).parents[2]
APP = ROOT / "apps/modal/poster"


def test_the_committed_app_is_what_is_generated_today() -> None:
    workflow = ROOT / "examples/poster.json"
    plan = make_plan(parse_workflow(workflow.read_bytes(), filename=workflow.name), filename=workflow.name)
    report = json.loads((APP / "report.json").read_bytes())
    assert report.pop("passed")
    assert not report.pop("simulated"), "the poster that people see was made by a ComfyUI"
    sample = Sample(file="sample.png", media_type="image/png", data=(APP / "sample.png").read_bytes())
    wanted = {f"apps/modal/poster/{path}": data for path, data in app_files(plan).items()}
    tested = Report.model_validate(report)
    wanted |= documents.files(plan, tested, sample)
    wanted[entry_path(plan.name)] = entry_page(plan, tested, sample)
    found = {path: (ROOT / path).read_bytes() for path in wanted}
    for path, data in wanted.items():
        assert found[path] == data, f"{path}: generate it anew with `flowberth up examples/poster.json --comfyui …`"
    assert {f"apps/modal/poster/{path.name}" for path in APP.iterdir() if path.is_file()} <= wanted.keys()
