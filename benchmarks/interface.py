"""Compares the interfaces that we make of ComfyUI's templates with what their own index says goes in and comes out.

    uv run python benchmarks/interface.py
    uv run python benchmarks/interface.py --templates     a row for each template that differs
    uv run python benchmarks/interface.py --json

`index.json` of the package `comfyui-workflow-templates-json` has an `io` for most templates: nodes that load media, and
nodes that save them, each with the kind of media. A disagreement is put down to the index where the facts of the
workflow show it: it lists nodes that are bypassed, and leaves out nodes that save. All others count as ours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # a script beside this one is called like a package of ours

from rich.console import Console
from rich.table import Table

from codegen.convert.graph import BYPASSED, MUTED
from codegen.errors import CodegenError
from codegen.interface.inputs import MEDIA
from codegen.json_values import as_list, as_object, objects
from codegen.parse import parse_workflow
from codegen.plan import make_plan

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from codegen.plan import Plan

Side: TypeAlias = Literal["inputs", "outputs"]
Place: TypeAlias = tuple[Side, str]
"""A side of the interface, and a node."""

BYPASSED_HERE = "is bypassed in the file"
MUTED_HERE = "is muted in the file"
NOT_HERE = "is not in the file"
NO_EFFECT = "changes no result"
OTHER_KIND = "has another kind of media here"
LEFT_OUT = "is left out here"
NEEDLESS = "changes no result, and is asked for all the same"
NEVER_LISTED = "is of a class that the index never lists"
ONLY_SHOWN = "shows what nothing saves, and the index lists nodes that save"
NONE_LISTED = "saves, and the index lists no output of this template"
SOME_LISTED = "runs, and the index lists others of this template only"
INDEX_IS_WRONG = frozenset(
    {BYPASSED_HERE, MUTED_HERE, NOT_HERE, NO_EFFECT, NEVER_LISTED, ONLY_SHOWN, NONE_LISTED, SOME_LISTED}
)
"""What the workflow itself shows; a reason beside these is ours to mend."""


@dataclass(frozen=True)
class Disagreement:
    """A node that one of the two lists."""

    side: Side
    node: str
    kind: str
    by: Literal["index", "us"]
    reason: str


@dataclass
class Row:
    """One template."""

    name: str
    agreed: dict[str, int] = field(default_factory=lambda: {"inputs": 0, "outputs": 0})
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])


def main() -> None:
    """Print the agreement; ends with 1 if a disagreement is ours."""
    parser = argparse.ArgumentParser(description="Compare interfaces with the index of ComfyUI's templates.")
    parser.add_argument("--templates", action="store_true", help="a row for each template that differs")
    parser.add_argument("--json", action="store_true", help="every template, as JSON")
    given = parser.parse_args()
    folder = files("comfyui_workflow_templates_json") / "templates"
    entries = [entry for group in json.loads((folder / "index.json").read_bytes()) for entry in group["templates"]]
    listed = [entry for entry in entries if "io" in entry]
    classes = {str(place["nodeType"]) for entry in listed for side in entry["io"].values() for place in side}
    rows = [compare(entry, (folder / f"{entry['name']}.json").read_bytes(), classes) for entry in listed]
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        show(rows, len(entries), Console(width=None if sys.stdout.isatty() else 160), templates=given.templates)
    sys.exit(any(mine(found) for row in rows for found in row.disagreements))


def compare(entry: JsonObject, data: bytes, classes: set[str]) -> Row:
    """One template; `classes` are those that the index lists anywhere."""
    row = Row(str(entry["name"]))
    theirs: dict[Place, str] = {
        (side, str(place["nodeId"])): str(place["mediaType"])
        for side in ("inputs", "outputs")
        for place in objects(entry["io"].get(side))
    }
    try:
        workflow = parse_workflow(data, filename=f"{row.name}.json")
        plan = make_plan(workflow, filename=f"{row.name}.json")
    except CodegenError as error:
        row.disagreements = [Disagreement(*place, kind, "index", str(error)) for place, kind in theirs.items()]
        return row
    ours = media_of(plan)
    modes = {str(node.get("id")): node.get("mode") for node in objects(workflow.document.get("nodes"))}
    for place, kind in theirs.items():
        if ours.get(place) == kind:
            row.agreed[place[0]] += 1
        else:
            row.disagreements.append(Disagreement(*place, kind, "index", missing(place, plan, ours, modes)))
    sides: set[str] = {side for side, _ in theirs}
    for place, kind in ours.items():
        if place not in theirs:
            row.disagreements.append(Disagreement(*place, kind, "us", surplus(place, plan, sides, classes)))
    return row


def media_of(plan: Plan) -> dict[Place, str]:
    """Where media go in and come out, and their kinds, as our interface has it; a mask is a picture to the index."""
    found: dict[Place, str] = {}
    for schema in plan.interface["properties"].values():
        facts = schema["x-flowberth"]
        if facts["kind"] in MEDIA:
            found |= {
                ("inputs", node): "image" if facts["kind"] == "mask" else facts["kind"] for node, _ in facts["targets"]
            }
    for schema in plan.interface["$defs"]["outputs"]["properties"].values():
        found["outputs", schema["x-flowberth"]["node"]] = schema["x-flowberth"]["kind"]
    return found


def missing(place: Place, plan: Plan, ours: dict[Place, str], modes: dict[str, Any]) -> str:
    """Why we do not list what the index lists."""
    side, node = place
    if place in ours:
        return OTHER_KIND
    if node not in modes:
        return NOT_HERE
    if modes[node] in {BYPASSED, MUTED}:
        return BYPASSED_HERE if modes[node] == BYPASSED else MUTED_HERE
    return NO_EFFECT if side == "inputs" and node not in feeding_results(plan) else LEFT_OUT


def surplus(place: Place, plan: Plan, sides: set[str], classes: set[str]) -> str:
    """Why we list what the index does not."""
    side, node = place
    if side == "inputs" and node not in feeding_results(plan):
        return NEEDLESS
    kind = str(plan.prompt[node]["class_type"])
    if kind not in classes:
        return ONLY_SHOWN if "Preview" in kind else NEVER_LISTED
    return NONE_LISTED if side == "outputs" and side not in sides else SOME_LISTED


def feeding_results(plan: Plan) -> set[str]:
    """Nodes that an output node of the interface depends on."""
    found: set[str] = set()
    waiting = [node for side, node in media_of(plan) if side == "outputs"]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            inputs = as_object(as_object(plan.prompt.get(node)).get("inputs")).values()
            waiting += [str(link[0]) for value in inputs if (link := as_list(value))]
    return found


def show(rows: list[Row], count: int, console: Console, *, templates: bool) -> None:
    """Totals, then reasons."""
    table = Table(
        "", "agreed", "index only", "us only", "precision", "recall", "… without faults of the index", box=None
    )
    for side in ("inputs", "outputs"):
        agreed = sum(row.agreed[side] for row in rows)
        found = [found for row in rows for found in row.disagreements if found.side == side]
        table.add_row(side, *figures(agreed, found), " / ".join(ratios(agreed, [f for f in found if mine(f)])))
    console.print(table, f"\n{len(rows)} of {count} templates have an `io` in the index.\n")
    reasons: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        reasons.update((f.by, f.side, "ours" if mine(f) else "the index", f.reason) for f in row.disagreements)
    table = Table("count", "listed by", "side", "whose fault", "the node", box=None)
    for reason, number in reasons.most_common():
        table.add_row(str(number), *reason)
    console.print(table)
    if templates:
        table = Table("template", "agreed", "index only", "us only", "precision", "recall", "differences", box=None)
        for row in (row for row in rows if row.disagreements):
            words = "; ".join(f"{f.side[:-1]} {f.node} ({f.kind}) {f.reason}" for f in row.disagreements)
            table.add_row(row.name, *figures(sum(row.agreed.values()), row.disagreements), words)
        console.print(table)


def mine(found: Disagreement) -> bool:
    """Whether it is ours to mend."""
    return found.reason not in INDEX_IS_WRONG


def figures(agreed: int, found: list[Disagreement]) -> tuple[str, ...]:
    """Cells of a row."""
    theirs = sum(f.by == "index" for f in found)
    return str(agreed), str(theirs), str(len(found) - theirs), *ratios(agreed, found)


def ratios(agreed: int, found: list[Disagreement]) -> tuple[str, str]:
    """Precision and recall."""
    theirs = sum(f.by == "index" for f in found)
    wholes = (agreed + len(found) - theirs, agreed + theirs)
    precision, recall = (f"{100 * agreed / whole:.1f} %" if whole else "-" for whole in wholes)
    return precision, recall


if __name__ == "__main__":
    main()
