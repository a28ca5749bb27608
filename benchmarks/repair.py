"""Injects faults into apps, and measures what the repair loop makes of them.

    uv run python benchmarks/repair.py                   all faults, a table by stage
    uv run python benchmarks/repair.py --only gpu boot   those whose name or group has one of the words
    uv run python benchmarks/repair.py --json

Attempts, diagnosis, patches of the lock, rendering, commits, the tests of the endpoint and the ledger are the real
ones, in one process, with a real database. The target is a stand-in that fails until the right change is in the lock
it is given, so a wrong one never helps; waits are counted and not slept; there is no language model. A fault is *held
out* if it was worded without a look at the signatures. *Beside the target* is the time of an attempt outside of the
target's own calls: all that an attempt costs here that it does not cost at Modal.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # instead of this folder, where `codegen.py` hides the package

from runner.database import Database  # noqa: E402 - found through the path above
from tests.runner.faults.catalogue import ALL  # noqa: E402
from tests.runner.faults.loop import Ended, Laboratory  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROUPS = {
    "build": "the image is built",
    "models": "models are fetched",
    "boot": "ComfyUI and its packs start",
    "preflight": "the prompt is looked at",
    "test": "the endpoint is called",
    "passing": "passes by itself, or never",
    "answered": "people are asked, and answer",
    "traps": "the text is not the cause",
    "combined": "several, one after the other",
}


@dataclass(frozen=True)
class Row:
    """Of the faults of one group, or of all."""

    faults: int
    right: int
    held_out: int
    held_out_right: int
    wrong_successes: int
    over_budget: int
    attempts: float
    """Median."""
    seconds: float
    """Of an attempt beside the target: median; so is `cpu`. `longest` is the most."""
    cpu: float
    longest: float

    @property
    def cells(self) -> tuple[str, ...]:
        """For the table."""
        return (
            str(self.faults),
            f"{self.right} ({self.right / self.faults:.0%})",
            f"{self.held_out_right} of {self.held_out}",
            str(self.wrong_successes),
            str(self.over_budget),
            f"{self.attempts:g}",
            f"{self.seconds:.2f} s",
            f"{self.cpu:.2f} s",
            f"{self.longest:.2f} s",
        )


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="words of names or groups")
    parser.add_argument("--json", action="store_true", help="numbers for machines, with every fault")
    options = parser.parse_args()
    faults = [
        fault for fault in ALL if not options.only or any(word in f"{fault.group} {fault.id}" for word in options.only)
    ]
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary, Database(Path(temporary) / "data") as database:
        laboratory = Laboratory(Path(temporary) / "work", database)
        every = [laboratory.meet(fault) for fault in track(faults, "Breaking", console=console, transient=True)]
    groups = {name: [one for one in every if one.fault.group == name] for name in GROUPS}
    rows = {name: row(ended) for name, ended in groups.items() if ended} | {"all": row(every)}
    if options.json:
        print(json.dumps({"rows": {name: vars(each) for name, each in rows.items()}, "faults": list(map(told, every))}))
    else:
        show(rows, [one for one in every if not one.right])


def row(every: list[Ended]) -> Row:
    """The numbers of these."""
    held_out = [one for one in every if one.fault.held_out]
    return Row(
        faults=len(every),
        right=count(every, lambda one: one.right),
        held_out=len(held_out),
        held_out_right=count(held_out, lambda one: one.right),
        wrong_successes=count(every, lambda one: one.wrong_success),
        over_budget=count(every, lambda one: one.over_budget),
        attempts=median(one.attempts for one in every),
        seconds=median(one.overhead for one in every),
        cpu=median(one.cpu for one in every),
        longest=max(one.overhead for one in every),
    )


def count(every: Iterable[Ended], is_so: Callable[[Ended], bool]) -> int:
    """How many of which that is true."""
    return sum(map(is_so, every))


def told(one: Ended) -> dict[str, Any]:
    """One fault, for machines."""
    return {
        "id": one.fault.id,
        "group": one.fault.group,
        "held_out": one.fault.held_out,
        "right": one.right,
        "wrong_success": one.wrong_success,
        "attempts": one.attempts,
        "waits": one.waited,
        "held_usd": float(one.held),
        "seconds": round(one.overhead, 3),
        "cpu_seconds": round(one.cpu, 3),
        "tried": one.tried,
        "told": one.told,
    }


def show(rows: dict[str, Row], wrong: list[Ended]) -> None:
    """For people."""
    table = Table(title="Faults, and how the run ended")
    table.add_column("where")
    heads = ("faults", "right end", "held out", "wrong success", "over budget", "attempts", "beside the target", "CPU")
    for head in (*heads, "longest"):
        table.add_column(head, justify="right")
    for name, each in rows.items():
        table.add_row(
            GROUPS.get(name, "all"), *each.cells, end_section=name == "combined", style="" if name in GROUPS else "bold"
        )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for one in wrong:
        tried = "; ".join(one.tried)
        console.print(f"{one.fault.id}: {one.attempts} attempts: {tried}: {one.told or 'passed'}", markup=False)


if __name__ == "__main__":
    main()
