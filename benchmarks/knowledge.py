"""How much sooner a second workflow is through, once the first with the same packs was merged.

    uv run python benchmarks/knowledge.py                 all faults that are repaired, a table by stage
    uv run python benchmarks/knowledge.py --only boot     those whose name or group has one of the words
    uv run python benchmarks/knowledge.py --json

Two workflows that have the same packs meet the same fault, one after the other, in a repository that has learned
nothing before. Attempts, diagnosis, patches, entries, merges and sums are the real ones, in one process, with a real
database and real git; the target is a stand-in that fails until the right change is in the lock it is given, as in
`benchmarks/repair.py`. What a workflow alone needs, such as another value or a larger GPU, is not taken over.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # instead of this folder, where `codegen.py` hides the package

from runner.database import Database  # noqa: E402 - found through the path above
from tests.runner.faults.catalogue import ALL  # noqa: E402
from tests.runner.knowledge.school import School  # noqa: E402

if TYPE_CHECKING:
    from tests.runner.faults.loop import Ended

STAGES = {
    "build": "the image is built",
    "models": "models are fetched",
    "boot": "ComfyUI and its packs start",
    "preflight": "the prompt is looked at",
    "test": "the endpoint is called",
    "combined": "several, one after the other",
}


def main() -> None:
    """Meet all of them twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help="words of which one is in the name or the group")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    faults = [
        fault
        for fault in ALL
        if fault.end.kind == "repaired" and fault.group in STAGES and fault.answer is None
        if any(word in f"{fault.id} {fault.group}" for word in options.only)
    ]
    with tempfile.TemporaryDirectory() as temporary, Database(Path(temporary) / "data") as database:
        pairs = [
            School(Path(temporary) / fault.id, database).teach(fault)
            for fault in track(faults, console=Console(stderr=True), transient=True)
        ]
    both = [(first, second) for first, second in pairs if first.passed and second.passed]
    if options.json:
        print(json.dumps([{"id": one.fault.id, "first": one.attempts, "second": two.attempts} for one, two in both]))
    else:
        show(both, lost=len(pairs) - len(both))


def show(pairs: list[tuple[Ended, Ended]], *, lost: int) -> None:
    """For people."""
    groups: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for first, second in pairs:
        for group in (first.fault.group, "all"):
            groups[group].append((first.attempts, second.attempts))
    table = Table(title="Attempts until all tests pass")
    table.add_column("where it fails")
    for head in ("faults", "first workflow, mean", "second, mean", "second at once", "fewer", "more"):
        table.add_column(head, justify="right")
    for group in (*STAGES, "all"):
        every = groups[group]
        if every:
            table.add_row(
                STAGES.get(group, "all"),
                str(len(every)),
                f"{sum(first for first, _ in every) / len(every):.2f}",
                f"{sum(second for _, second in every) / len(every):.2f}",
                str(sum(second == 1 for _, second in every)),
                str(sum(second < first for first, second in every)),
                str(sum(second > first for first, second in every)),
                style="bold" if group == "all" else "",
            )
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    if lost:
        console.print(f"{lost} did not pass, the first time or the second")


if __name__ == "__main__":
    main()
