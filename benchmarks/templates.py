"""Runs workflows of the ComfyUI templates through `flowberth up`'s own path and prints how each ended.

    uv run python benchmarks/templates.py            72 that a packaged core version can run, evenly spread over kinds
    uv run python benchmarks/templates.py --all
    uv run python benchmarks/templates.py image_qwen_image 3d_hunyuan3d-v2.1

The templates come from the package `comfyui-workflow-templates-json`; the engine is the stand-in, unless `--comfyui`
names another. Everything happens in a temporary folder: a repository, a data folder and an embedded Postgres.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # a script beside this one is called like a package of ours

from rich.console import Console
from rich.progress import track
from rich.table import Table

from codegen.errors import CodegenError
from codegen.naming import derive_name
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from github_app.cli.up import engine_choice
from github_app.composition import opened_runs
from github_app.settings import Settings
from runner.model import STEPS, RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.model import RunId, StepName
    from runner.runs import Runs

DEFAULT_COUNT = 72
KINDS = ("image", "video", "audio", "mesh", "text", "file")


@dataclass
class Candidate:
    """A template that can be run."""

    name: str
    data: bytes
    kind: str = "none"
    """Of its first output."""
    subgraphs: int = 0
    refused: str | None = None
    newer: bool = False
    """It needs nodes or values of a ComfyUI newer than those whose definitions ship."""


@dataclass
class Row:
    """How one ended."""

    name: str
    kind: str
    subgraphs: int
    outcome: str
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    total: float = 0.0


class Stopwatch:
    """Progress that only measures."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def started(self, run_id: RunId, step: StepName) -> None:
        """Nothing to do."""

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Nothing to do."""

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """Keep it."""
        del run_id
        self.seconds[step] = seconds


def candidates() -> list[Candidate]:
    """Every template, looked at."""
    folder = files("comfyui_workflow_templates_json") / "templates"
    found: list[Candidate] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".json") or entry.name.startswith("index"):
            continue
        candidate = Candidate(entry.name.removesuffix(".json"), entry.read_bytes())
        try:
            workflow = parse_workflow(candidate.data, filename=entry.name)
            definitions: Any = workflow.document.get("definitions") or {}
            candidate.subgraphs = len(definitions.get("subgraphs") or [])
            plan = make_plan(workflow, filename=entry.name)
            candidate.newer = any(finding.code.startswith("unknown-") for finding in plan.findings)
            outputs = plan.interface["$defs"]["outputs"]["properties"]
            candidate.kind = next((str(output["x-flowberth"]["kind"]) for output in outputs.values()), "none")
        except CodegenError as error:
            candidate.refused = f"{type(error).__name__}: {error}"
        found.append(candidate)
    return found


def chosen(found: Iterable[Candidate], count: int) -> list[Candidate]:
    """`count` of them: each kind in turn, with and without subgraphs in turn, spread evenly over the names."""
    groups: dict[tuple[str, bool], list[Candidate]] = {}
    for candidate in found:
        groups.setdefault((candidate.kind, candidate.subgraphs > 0), []).append(candidate)
    ordered = [groups[key] for key in sorted(groups)]
    spread = [group[:: max(1, len(group) // count)] for group in ordered]
    rounds = (candidate for turn in zip_longest(*spread) for candidate in turn if candidate is not None)
    return [candidate for candidate, _ in zip(rounds, range(count), strict=False)]


def run(candidate: Candidate, runs: Runs, stopwatch: Stopwatch, repo: Path, comfyui: str | None) -> Row:
    """One template, from file to pull request."""
    row = Row(candidate.name, candidate.kind, candidate.subgraphs, "refused", candidate.refused or "")
    if candidate.refused:
        return row
    stopwatch.seconds = {}
    began = time.monotonic()
    result = runs.up(
        RunRequest(
            repo=repo,
            base="main",
            filename=f"{candidate.name}.json",
            workflow=candidate.data,
            name=derive_name(None, candidate.name),
            engine=engine_choice(comfyui),
        )
    )
    row.total = time.monotonic() - began
    row.seconds = dict(stopwatch.seconds)
    row.outcome = result.state
    failed = [f"{test.name}: {test.detail}" for test in result.tests if not test.passed]
    row.reason = " | ".join(failed) or result.reason or ""
    return row


def show(rows: list[Row], console: Console) -> None:
    """The table, and its summary."""
    table = Table(box=None, padding=(0, 1))
    for heading in ("template", "kind", "sub"):
        table.add_column(heading, no_wrap=True)
    for step in STEPS:
        table.add_column(step, justify="right", no_wrap=True)
    table.add_column("total", justify="right")
    table.add_column("outcome")
    table.add_column("reason", overflow="fold")
    for row in rows:
        steps = [f"{row.seconds[step]:.2f}" if step in row.seconds else "" for step in STEPS]
        table.add_row(
            row.name, row.kind, str(row.subgraphs or ""), *steps, f"{row.total:.1f}", row.outcome, row.reason[:300]
        )
    console.print(table)
    outcomes = Counter(row.outcome for row in rows)
    kinds = Counter(row.kind for row in rows if row.outcome == "succeeded")
    with_subgraphs = sum(row.subgraphs > 0 for row in rows if row.outcome == "succeeded")
    console.print(f"{len(rows)} templates: " + ", ".join(f"{count} {name}" for name, count in outcomes.items()))
    console.print(
        f"succeeded: {with_subgraphs} with subgraphs; " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    )
    totals = [row.total for row in rows if row.total]
    if totals:
        console.print(f"seconds for one: median {median(totals):.1f}, longest {max(totals):.1f}")


def main() -> None:
    """Choose, run, show; ends with 1 if anything did not succeed."""
    parser = argparse.ArgumentParser(description="Run ComfyUI's templates through flowberth up.")
    parser.add_argument("names", nargs="*", help="templates by name; by default a choice of all kinds")
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--comfyui", metavar="URL|PATH", help="a real engine instead of the stand-in")
    parser.add_argument("--json", action="store_true", help="rows as JSON on stdout")
    given = parser.parse_args()
    found = candidates()
    if given.names:
        wanted = [candidate for candidate in found if candidate.name in given.names]
    else:
        wanted = (
            found if given.all else chosen((each for each in found if not each.refused and not each.newer), given.count)
        )
    console = Console(stderr=given.json, width=None if sys.stdout.isatty() else 240)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="flowberth-benchmark-", ignore_cleanup_errors=True) as folder:
        repo = Path(folder, "repository")
        git = ["git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com"]
        subprocess.run([*git, "init", "--quiet", "--initial-branch=main", repo], check=True)
        subprocess.run([*git, "-C", repo, "commit", "--quiet", "--allow-empty", "--message=Begin"], check=True)
        stopwatch = Stopwatch()
        with opened_runs(Settings(data_dir=Path(folder, "data")), stopwatch) as runs:
            tracked = track(wanted, "Templates", console=Console(stderr=True), transient=True)
            rows += [run(candidate, runs, stopwatch, repo, given.comfyui) for candidate in tracked]
    show(rows, console)
    if given.json:
        print(json.dumps([row.__dict__ for row in rows], indent=2))
    sys.exit(any(row.outcome != "succeeded" for row in rows))


if __name__ == "__main__":
    main()
