"""Attributes the nodes of somebody else's tested workflows to packs, and judges that by the packs they run them with.

    uv run python benchmarks/packs.py cog-comfyui/examples cog-comfyui/custom_nodes.json

The folder has workflows, as API exports or as the editor saves them; the list has `[{"repo": url, "commit": …}, …]`,
the packs that are installed where they run. Both are as in Replicate's cog-comfyui, github.com/replicate/cog-comfyui.

What is counted is uses: one node of a prompt whose class is not of ComfyUI. A class is of ComfyUI if a version that
ships here has it, or if the Manager's map gives it to ComfyUI itself (classes that were removed, or came later); those
are listed apart. A use is right when its class is attributed to

    a pack of the list, at whatever address it is today
    the declared replacement of such a pack
    the origin of such a pack, where the list has somebody's fork of it (`UPSTREAMS`)

Everything else is printed with its reason. Which pack of the list really has a class nobody tells, so a class that is
given to the wrong one of two packs of the list would count as right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # scripts beside this one are called like packages of ours

from rich.console import Console
from rich.table import Table
from rich.text import Text

from codegen.core_version import choose_core, foreign_classes
from codegen.errors import CodegenError
from codegen.packs.attribution import attribute
from codegen.packs.known import known_packs
from codegen.packs.said import sayings
from codegen.parse import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.packs.attribution import Attribution
    from codegen.packs.known import KnownPacks

GITHUB = "https://github.com/"
UPSTREAMS = {
    "fofr/ComfyUI-AdvancedLivePortrait": "PowerHouseMan/ComfyUI-AdvancedLivePortrait",
    "fofr/ComfyUI-BrushNet": "nullquant/ComfyUI-BrushNet",
    "fofr/comfyui_segment_anything": "storyicon/comfyui_segment_anything",
    "shadel/ComfyUI-BiRefNet-ZHO": "ZHO-ZHO-ZHO/ComfyUI-BiRefNet-ZHO",
}
"""Fork → origin: the histories of both begin with the same commit (seen 2026-11-21)."""
RIGHT = ("on the list", "its replacement", "its origin")


class Verdict(NamedTuple):
    """What became of a class, and why it is not right."""

    outcome: str
    reason: str = ""


class Judge:
    """Knows which packs are installed, and what else each of them is called."""

    def __init__(self, installed: list[str], known: KnownPacks) -> None:
        self._known = known
        self._installed = {_today(url, known) for url in installed}
        names = (url.removeprefix(GITHUB) for url in installed)
        self._origins = {_today(GITHUB + UPSTREAMS[name], known) for name in names if name in UPSTREAMS}

    def verdict(self, attribution: Attribution | None) -> Verdict:
        """Of one class in one workflow."""
        if attribution is None:
            return Verdict("nowhere", "no list has the class")
        found = attribution.repository
        if found is None:
            return Verdict("a question", ", ".join(one.url.removeprefix(GITHUB) for one in attribution.candidates))
        url = found.url.lower()
        if url in self._installed:
            return Verdict(RIGHT[0])
        if any(_today(replaced, self._known) in self._installed for replaced in found.replaces):
            return Verdict(RIGHT[1])
        if url in self._origins:
            return Verdict(RIGHT[2])
        name = found.url.removeprefix(GITHUB)
        forked = found.fork_of and _today(found.fork_of, self._known) in self._installed
        return Verdict("elsewhere", f"{name}, a fork of the one on the list" if forked else name)


def _today(url: str, known: KnownPacks) -> str:
    listed = known.at(url)
    return (listed.url if listed else url).lower()


def judged(folder: Path, judge: Judge, known: KnownPacks) -> Iterator[tuple[str, str, int, Verdict]]:
    """File, class, number of its nodes and verdict, for every class of every workflow that is not of ComfyUI."""
    for path in sorted(folder.rglob("*.json")):
        try:
            workflow = parse_workflow(path.read_bytes(), filename=path.name)
            choice, _ = choose_core(workflow, None)
        except CodegenError as error:
            yield path.name, "", 0, Verdict("not read", str(error))
            continue
        nodes = Counter(str(node["class_type"]) for node in choice.conversion.prompt.values() if "class_type" in node)
        unknown = len(choice.conversion.prompt) - nodes.total()
        if unknown:
            yield path.name, "", unknown, Verdict("not read", "a node without a class")
        foreign = foreign_classes(choice.missing)
        attributions = attribute(foreign, sayings(workflow, frozenset(foreign)), known)
        for kind in foreign:
            of_comfyui = known.is_core(kind)
            verdict = Verdict("ComfyUI's own") if of_comfyui else judge.verdict(attributions.get(kind))
            yield path.name, kind, nodes[kind], verdict


def main() -> None:
    """Print the count, then the rest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", type=Path)
    parser.add_argument("installed", type=Path)
    arguments = parser.parse_args()
    known = known_packs()
    installed = [entry["repo"] for entry in json.loads(arguments.installed.read_bytes())]
    uses: Counter[str] = Counter()
    rest: dict[tuple[Verdict, str], Counter[str]] = defaultdict(Counter)
    for file, kind, count, verdict in judged(arguments.examples, Judge(installed, known), known):
        uses[verdict.outcome] += count
        if verdict.outcome not in RIGHT:
            rest[verdict, kind][file] += count
    console = Console()
    counted = Table("custom class uses", "", title="Packs", title_justify="left")
    total = sum(count for outcome, count in uses.items() if outcome not in {"ComfyUI's own", "not read"})
    for outcome in (*RIGHT, "a question", "elsewhere", "nowhere"):
        counted.add_row(outcome, str(uses[outcome]))
    right = sum(uses[outcome] for outcome in RIGHT)
    counted.add_section()
    counted.add_row(f"right, of {total}", f"{right} ({right / max(total, 1):.1%})")
    counted.add_row("beside them: ComfyUI's own, though no version here has it", str(uses["ComfyUI's own"]))
    console.print(counted)
    listed = Table("", "class", "uses", "reason, files", title="The rest", title_justify="left")
    for (verdict, kind), where in sorted(rest.items()):
        files = ", ".join(sorted(where))
        listed.add_row(verdict.outcome, Text(ascii(kind)[1:-1]), str(where.total()), Text(f"{verdict.reason}\n{files}"))
    console.print(listed)


if __name__ == "__main__":
    main()
