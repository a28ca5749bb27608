"""What hardware each of ComfyUI's official templates with a known download size would get, and whether it can hold it.

    uv run python benchmarks/hardware.py [--all]

The download size is what the template package's own index states. It bounds what the templates load, so the largest
stage cannot be larger; sizes of single files are what notes, the index and names say (`codegen.models`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # this folder holds a file that is called like a package

from rich.console import Console
from rich.table import Table

from codegen.catalog import load_catalog
from codegen.errors import CodegenError
from codegen.hardware import GB, GIB, GPU_MEMORY_GB, loaded_files
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.stages import find_stages, unnamed_loaders

UNACCOUNTED = 1.3
"""A download is larger than what is loaded where a template has alternatives that are muted."""
TEMPLATES = files("comfyui_workflow_templates_json") / "templates"


def sized(*, every: bool) -> list[dict[str, Any]]:
    """Entries of the package's index, the largest download first."""
    groups = json.loads((TEMPLATES / "index.json").read_bytes())
    found = [entry for group in groups for entry in group["templates"] if every or entry.get("size")]
    return sorted(found, key=lambda entry: (-(entry.get("size") or 0), entry["name"]))


def main() -> None:
    """Print a line for each template and what is wrong, if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="those without a stated size as well")
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table("template", "stated GB", "files", "sum GB", "stage GB", "gpu", "holds", "RAM GiB", "$/h", box=None)
    gpus: Counter[str] = Counter()
    small: list[str] = []
    short: list[str] = []
    prices: list[float] = []
    for entry in sized(every=parser.parse_args().all):
        name = entry["name"]
        try:
            workflow = parse_workflow((TEMPLATES / f"{name}.json").read_bytes(), filename=f"{name}.json")
            plan = make_plan(workflow, filename=name)
        except CodegenError as error:
            table.add_row(name, f"[red]refused: {error}")
            continue
        catalog = load_catalog(plan.lock.comfyui.version)
        named = frozenset(node for model in plan.models for node in model.nodes)
        loads = loaded_files(plan.models, unnamed_loaders(plan.prompt, catalog, named))
        sizes = [load.gigabytes or 0.0 for load in loads]
        stages = find_stages(plan.prompt, catalog, [load.nodes for load in loads])
        stated = (entry.get("size") or 0) / GB
        stage = max((sum(sizes[number] for number in one.files) for one in stages), default=0.0)
        hardware = plan.lock.hardware
        holds = GPU_MEMORY_GB[hardware.gpu] if hardware.gpu else 0
        gpus[hardware.gpu or "CPU"] += 1
        prices.append(hardware.usd_per_second * 3600)
        if (loads and not holds) or holds < stage or hardware.memory_mib / 1024 * GIB < sum(sizes) * GB:
            small.append(name)
        if stated > sum(sizes) * UNACCOUNTED:
            short.append(f"{name} ({stated:.1f} of {sum(sizes):.1f} GB)")
        table.add_row(
            name,
            f"{stated:.1f}",
            str(len(loads)),
            f"{sum(sizes):.1f}",
            f"{stage:.1f}",
            hardware.gpu or "CPU",
            f"{holds}",
            f"{hardware.memory_mib // 1024}",
            f"{hardware.usd_per_second * 3600:.2f}",
        )
    console.print(table)
    console.print(", ".join(f"{count} {gpu}" for gpu, count in gpus.most_common()), f"median ${median(prices):.2f}/h")
    console.print(
        f"too small for the largest stage, or no GPU though something is loaded: {', '.join(small) or 'none'}"
    )
    console.print(f"the stated download is much more than what the workflow loads: {', '.join(short) or 'none'}")


if __name__ == "__main__":
    main()
