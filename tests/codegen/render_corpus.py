"""Renders official templates: `render_corpus.py FOLDER N` makes `FOLDER/<name>/` of every Nth, and prints what it refuses."""

import sys
from importlib.resources import files
from pathlib import Path

from codegen.errors import CodegenError
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files

TEMPLATES = files("comfyui_workflow_templates_json") / "templates"

entries = sorted(TEMPLATES.iterdir(), key=lambda entry: entry.name)
workflows = [entry for entry in entries if entry.name.endswith(".json") and not entry.name.startswith("index")]
for entry in workflows[:: int(sys.argv[2])]:
    try:
        plan = make_plan(parse_workflow(entry.read_bytes(), filename=entry.name), filename=entry.name)
    except CodegenError as error:
        sys.stdout.write(f"{error}\n")
        continue
    folder = Path(sys.argv[1]) / entry.name
    folder.mkdir(parents=True)
    for path, data in app_files(plan).items():
        (folder / path).write_bytes(data)
