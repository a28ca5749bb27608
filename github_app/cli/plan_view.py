"""How a plan looks: what Flowberth understood of a workflow, before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.output import finding_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.lock import ModelPin
    from codegen.model import JsonObject
    from codegen.models import FoundModel
    from codegen.packs import PackUse
    from codegen.plan import Plan
    from github_app.cli.terminal import SafeConsole

SECONDS_PER_HOUR = 3600
DEFAULT_CHARACTERS = 60
"""Of a default value in the table of inputs."""
CLASSES_CHARACTERS = 60
"""Of the names of a pack's nodes."""
BYTES_PER_GB = 1e9
LICENCE_CHARACTERS = 40
COMMIT_CHARACTERS = 12
"""Of a commit, for people."""


def plan_json(plan: Plan) -> JsonObject:
    """All that scripts may want of a plan; the prompt itself is what `convert` is for."""
    return {
        "name": plan.name,
        "title": plan.title,
        "kind": plan.workflow.kind,
        "nodes": len(plan.prompt),
        "lock": plan.lock.model_dump(mode="json"),
        "interface": plan.interface,
        "models": [model.model_dump(mode="json") for model in plan.models],
        "packs": [pack.model_dump(mode="json") for pack in plan.packs],
        "findings": [finding.model_dump(mode="json") for finding in plan.findings],
    }


def show_plan(console: SafeConsole, plan: Plan) -> None:
    """The plan for people."""
    console.print(Text(plan.name, style="bold").append(f"  {terminal.one_line(plan.title)}", style="default not bold"))
    console.print(_facts(plan))
    if plan.interface.get("properties"):
        console.print(_inputs(plan.interface))
    if outputs := plan.interface.get("$defs", {}).get("outputs", {}).get("properties", {}):
        kinds = ", ".join(f"{terminal.one_line(name)} ({_kind(schema)})" for name, schema in outputs.items())
        console.print(f"Outputs: {kinds}")
    if plan.packs:
        console.print(_packs(plan.packs))
    if plan.models:
        console.print(_models(plan.models))
    for line in finding_lines(plan.findings):
        console.print(line)


def _facts(plan: Plan) -> Table:
    lock = plan.lock
    hardware = lock.hardware
    per_hour = hardware.usd_per_second * SECONDS_PER_HOUR
    facts = Table.grid(padding=(0, 2))
    saved_as = "saved from the editor" if plan.workflow.kind == "ui" else "API export"
    facts.add_row("Workflow", f"{len(plan.prompt)} nodes, {saved_as}")
    facts.add_row("ComfyUI", f"{lock.comfyui.version}: {terminal.one_line(lock.comfyui.reason)}")
    price = f"{hardware.gpu or 'CPU'}, ${per_hour:.2f} an hour while it works"
    facts.add_row("Hardware", f"{price}: {terminal.one_line(hardware.reason)}")
    return facts


def _inputs(interface: JsonObject) -> Table:
    required = set(interface.get("required", ()))
    table = Table(title="Inputs", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("name", "kind", "default"):
        table.add_column(column)
    for name, schema in interface["properties"].items():
        default = "(required)" if name in required else _default(schema)
        table.add_row(terminal.one_line(name), _kind(schema), default)
    return table


def _default(schema: dict[str, Any]) -> str:
    if "default" in schema:
        return terminal.shorten(str(schema["default"]), DEFAULT_CHARACTERS)
    return "random" if _kind(schema) == "seed" else ""


def _kind(schema: dict[str, Any]) -> str:
    return terminal.one_line(str(schema.get("x-flowberth", {}).get("kind", schema.get("type", ""))))


def _packs(packs: Sequence[PackUse]) -> Table:
    table = Table(title="Packs", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("repository", "commit", "nodes"):
        table.add_column(column, overflow="fold")
    for pack in packs:
        commit = pack.commit[:COMMIT_CHARACTERS] if pack.commit else "unknown"
        nodes = terminal.shorten(", ".join(pack.classes), CLASSES_CHARACTERS)
        table.add_row(terminal.one_line(pack.repository), commit, nodes)
    return table


def _models(models: Sequence[FoundModel]) -> Table:
    table = Table(title="Models", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("folder", "file", "size", "from"):
        table.add_column(column, overflow="fold")
    for model in models:
        pin = model.pin
        table.add_row(terminal.one_line(pin.folder), terminal.one_line(pin.file), _size(model), _origin(pin))
    return table


def _size(model: FoundModel) -> str:
    if model.about_bytes is None:
        return "unknown"
    about = "" if model.pin.bytes is not None else "~"
    return f"{about}{model.about_bytes / BYTES_PER_GB:.1f} GB"


def _origin(model: ModelPin) -> str:
    licence = f" ({terminal.shorten(model.licence, LICENCE_CHARACTERS)})" if model.licence else ""
    return terminal.one_line(model.url) + licence if model.url else "unknown: a question for people"
