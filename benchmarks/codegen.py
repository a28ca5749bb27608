"""Times codegen over ComfyUI's own templates, and compares its converter with what the real frontend made of workflows.

    uv run python benchmarks/codegen.py
    uv run python benchmarks/codegen.py --truth DIR --core 0.33.0
    uv run --with comfy-cli==1.23.0 python benchmarks/codegen.py --truth DIR --core 0.33.0

`--truth` names a folder with `<name>.ui.json` (a saved workflow) and `<name>.api.json` (a record whose `output` is the
prompt that the frontend sent, or null; `volatile_inputs` says what it made up). `--object-info` adds definitions. With
comfy-cli at hand, its converter is timed and judged in the same run.

Two prompts count as the same here when their output nodes do the same: node ids, `_meta` and order do not matter.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # this file is called like the package that it measures

from rich.console import Console
from rich.progress import track
from rich.table import Table

from codegen.catalog import catalog_from_object_info, load_catalog, object_info, packaged_versions
from codegen.convert import convert
from codegen.errors import CodegenError
from codegen.json_values import as_list, as_object
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.catalog import Catalog

    Converter = Callable[[bytes], dict[str, Any]]

STAGES = ("parse", "plan", "render")
CATALOG_RUNS = 5
LINK = 2
"""A link of a prompt is `[node id, slot]`."""
_LOAD = (
    "import time; from codegen.catalog import load_catalog;"
    "begin = time.perf_counter(); load_catalog({!r}); print(time.perf_counter() - begin)"
)


def templates() -> dict[str, bytes]:
    """Name → saved workflow."""
    folder = files("comfyui_workflow_templates_json") / "templates"
    names = (entry for entry in folder.iterdir() if entry.name.endswith(".json") and not entry.name.startswith("index"))
    return {entry.name: entry.read_bytes() for entry in sorted(names, key=lambda entry: entry.name)}


def time_catalogs(console: Console) -> None:
    """Loading each packaged catalog, in a process of its own as every command does."""
    for version in packaged_versions():
        command = [sys.executable, "-c", _LOAD.format(version)]
        runs = [float(subprocess.check_output(command)) for _ in range(CATALOG_RUNS)]
        console.print(f"catalog {version}: {median(runs) * 1000:.0f} ms (median of {CATALOG_RUNS} processes)")
        load_catalog(version)


def time_templates(console: Console) -> None:
    """Every template from bytes to the app's files."""
    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    totals: list[float] = []
    outcomes: Counter[str] = Counter()
    for name, data in track(templates().items(), "Templates", console=Console(stderr=True), transient=True):
        marks = [time.perf_counter()]
        try:
            workflow = parse_workflow(data, filename=name)
            marks.append(time.perf_counter())
            plan = make_plan(workflow, filename=name)
            marks.append(time.perf_counter())
            app_files(plan)
            marks.append(time.perf_counter())
            outcomes["planned and rendered"] += 1
        except CodegenError as error:
            marks.append(time.perf_counter())
            outcomes[f"refused: {type(error).__name__}"] += 1
        for stage, begin, end in zip(STAGES, marks, marks[1:], strict=False):
            seconds[stage].append(end - begin)
        totals.append(marks[-1] - marks[0])
    table = Table("stage", "median ms", "longest ms", "all s", box=None, padding=(0, 2, 0, 0))
    for stage, values in (*seconds.items(), ("together", totals)):
        table.add_row(stage, f"{median(values) * 1000:.2f}", f"{max(values) * 1000:.0f}", f"{sum(values):.2f}")
    console.print(table)
    console.print(f"{len(totals)} templates: " + ", ".join(f"{count} {what}" for what, count in outcomes.items()))


def signature(prompt: dict[str, Any]) -> Counter[str]:
    """What the output nodes of a prompt do, whatever its nodes are called: a hash for each node with all before it."""
    found: dict[str, str] = {}

    def of(node: str, above: frozenset[str]) -> str:
        if node in found:
            return found[node]
        entry = prompt.get(node)
        if entry is None or node in above:
            return "absent"
        inputs: dict[str, Any] = {}
        for name, value in as_object(entry.get("inputs")).items():
            link = as_list(value)
            linked = len(link) == LINK and str(link[0]) in prompt
            inputs[name] = ["from", of(str(link[0]), above | {node}), link[1]] if linked else plain(value)
        text = json.dumps([entry.get("class_type"), inputs], sort_keys=True)
        found[node] = hashlib.sha256(text.encode()).hexdigest()
        return found[node]

    return Counter(of(node, frozenset()) for node in prompt)


def without(prompt: dict[str, Any], inputs: list[list[str]]) -> dict[str, Any]:
    """The prompt without inputs, each `[node id, name]`, whose values the browser makes up."""
    kept = {node: {**entry, "inputs": dict(as_object(entry.get("inputs")))} for node, entry in prompt.items()}
    for node, name in inputs:
        as_object(as_object(kept.get(node)).get("inputs")).pop(name, None)
    return kept


def plain(value: object) -> object:
    """Numbers as JSON sees them: 8.0 is 8."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def definitions(version: str, files: list[Path]) -> Catalog:
    """Of a core, with those of saved answers to GET /object_info laid over, gzipped or not."""
    catalog = load_catalog(version)
    for path in files:
        data = path.read_bytes()
        raw = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        catalog = catalog.overlay(catalog_from_object_info(raw, version=version))
    return catalog


def ours(catalog: Catalog) -> Converter:
    """Our converter."""
    return lambda data: convert(parse_workflow(data, filename="workflow.json"), catalog).prompt


def comfy_cli(catalog: Catalog) -> Converter | None:
    """comfy-cli's, if it can be imported; nothing of it is part of Flowberth."""
    logging.disable()  # it warns of each widget that it cannot name
    try:
        module = import_module("comfy_cli.workflow_to_api")
    except ImportError:
        return None
    raw = object_info(catalog)
    return lambda data: module.convert_ui_to_api(json.loads(data), raw)


def judge(truth: Path, catalog: Catalog, console: Console) -> None:
    """Both converters on the same files, against the frontend's own prompts."""
    table = Table("converter", "same", "of", "refused alike", "median ms", box=None, padding=(0, 2, 0, 0))
    for name, converter in (("flowberth", ours(catalog)), ("comfy-cli", comfy_cli(catalog))):
        if converter is None:
            console.print("comfy-cli is not here: uv run --with comfy-cli==1.23.0 python benchmarks/codegen.py …")
            continue
        same = refused = count = 0
        seconds: list[float] = []
        for saved in sorted(truth.glob("*.ui.json")):
            record = json.loads(Path(str(saved).replace(".ui.json", ".api.json")).read_bytes())
            wanted, volatile = record["output"], record.get("volatile_inputs", [])
            data = saved.read_bytes()
            begin = time.perf_counter()
            try:
                made = converter(data)
            except Exception:  # noqa: BLE001 - of a peer it may be anything
                made = None
            seconds.append(time.perf_counter() - begin)
            count += 1
            if wanted is None or made is None:
                refused += wanted is None and made is None
            else:
                same += signature(without(made, volatile)) == signature(without(wanted, volatile))
        if not seconds:
            sys.exit(f"{truth} holds no *.ui.json")
        table.add_row(name, str(same), str(count), str(refused), f"{median(seconds) * 1000:.2f}")
    console.print(table)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description="Time and judge codegen.")
    parser.add_argument("--truth", type=Path, metavar="DIR", help="workflows with the frontend's own prompts")
    parser.add_argument("--core", default=packaged_versions()[-1], metavar="VERSION", help="whose definitions to use")
    parser.add_argument(
        "--object-info", type=Path, metavar="FILE", action="append", default=[], help="more definitions, for --truth"
    )
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    time_catalogs(console)
    time_templates(console)
    if given.truth:
        judge(given.truth, definitions(given.core, given.object_info), console)


if __name__ == "__main__":
    main()
