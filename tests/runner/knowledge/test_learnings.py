"""Index and sums are made from the entries alone: short, in a stable order, each thing once."""

from __future__ import annotations

import random
from datetime import date

from inline_snapshot import snapshot

from runner.knowledge import LEARNINGS, WORKFLOWS
from runner.knowledge.entry import ActualCost, Cost, Entry, Issue, ModelUsed, PackUsed, Performance
from runner.knowledge.entry_file import read
from runner.knowledge.learnings import END, MOST_ROWS, learnings
from runner.knowledge.library import Library
from tests.documents.test_documents import HOSTILE
from tests.runner.knowledge.test_entry import PAGE

INDEX = f"{WORKFLOWS}/README.md"
ERRORS = f"{LEARNINGS}/common-errors.md"
GGUF = PackUsed(
    name="ComfyUI-GGUF", repository="https://github.com/city96/ComfyUI-GGUF", commit="a" * 40, source="properties"
)
LACKS_GGUF = Issue(
    signature="missing-module",
    subject="gguf",
    cause="gguf is not installed",
    fix="add gguf",
    quote="No module named 'gguf'",
    file="0123456789abcdef.json",
)


def entry(name: str, *issues: Issue, day: int = 1, **facts: object) -> Entry:
    told = {"name": name, "title": name.title(), "issues": issues, "tested": date(2026, 11, day), **facts}
    return read(PAGE).entry.model_copy(update=told)


FOX = entry(
    "fox",
    LACKS_GGUF,
    packs=(GGUF,),
    models=(ModelUsed(folder="unet", file="x.gguf", url="https://huggingface.co/a/x.gguf", source="note"),),
)
OWL = entry(
    "owl",
    LACKS_GGUF.model_copy(update={"foreseen": True, "cause": "known"}),
    day=3,
    packs=(GGUF,),
    gpu="L4",
    cost=Cost(call=0.1),
)
ELK = entry(
    "elk",
    Issue(signature="out-of-memory", cause="too large for a T4", fix="take an L4"),
    day=2,
    gpu="L4",
    cost=Cost(call=0.3, total=1.5, basis="actual"),
    performance=Performance(cold_start=30),
)
ANT = entry("ant", LACKS_GGUF, simulated=True, engine="stand-in")
YAK = entry(
    "yak",
    cost=Cost(call=0.2, build=0.1, tests=0.5, total=0.6),
    actual_cost=ActualCost(run=FOX.run, build=0.05, tests=0.25, total=0.3),
)
ALL = (FOX, OWL, ELK, ANT, YAK)


def text(pages: dict[str, bytes]) -> str:
    return "".join(f"--- {path.removeprefix(WORKFLOWS)}\n{data.decode()}" for path, data in pages.items())


def test_what_deployments_have_taught_is_summed_up() -> None:
    assert text(learnings(Library(ALL), {})) == snapshot("""\
--- /README.md
# Knowledge base of workflows

What deployments of this repository's workflows have taught. Each has an entry in `patterns/`; `learnings/` sums them up; `learnings/fixes/` and `nodes/` are read by the next deployments.

| workflow | title | makes | ComfyUI | GPU | a call | tested | state |
| --- | --- | --- | --- | --- | --- | --- | --- |
| [`ant`](patterns/ant.md) | Ant | image | 0.3.64 | T4 | $0.001995 | 2026-11-01 | simulated |
| [`elk`](patterns/elk.md) | Elk | image | 0.3.64 | L4 | $0.30 | 2026-11-02 | passed |
| [`fox`](patterns/fox.md) | Fox | image | 0.3.64 | T4 | $0.001995 | 2026-11-01 | passed |
| [`owl`](patterns/owl.md) | Owl | image | 0.3.64 | L4 | $0.10 | 2026-11-03 | passed |
| [`yak`](patterns/yak.md) | Yak | image | 0.3.64 | T4 | $0.20 | 2026-11-01 | passed |

<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->
--- /learnings/common-errors.md
# Common errors

What was met on the way to deployments, and what was changed then; what the most workflows have met comes first.

## missing-module: gguf

gguf is not installed

- told by `No module named 'gguf'`
- changed then: add gguf
- met in [`owl`](../patterns/owl.md), [`fox`](../patterns/fox.md)

## out-of-memory

too large for a T4

- changed then: take an L4
- met in [`elk`](../patterns/elk.md)

<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->
--- /learnings/cost-estimates.md
# Cost estimates

US dollars, of deployments that worked on a ComfyUI itself. The basis is that of the run's costs when the entry was written; a call is seconds at the price of the hardware.

## By GPU

| GPU | workflows | a call, median | a run, median |
| --- | --- | --- | --- |
| L4 | 2 | $0.20 | $1.50 |
| T4 | 2 | $0.10 | $0.46 |

## By workflow

| workflow | GPU | a call | builds | tests | run | basis |
| --- | --- | --- | --- | --- | --- | --- |
| [`elk`](../patterns/elk.md) | L4 | $0.30 |  |  | $1.50 | actual |
| [`fox`](../patterns/fox.md) | T4 | $0.001995 | $0.12 | $0.50 | $0.62 | estimate |
| [`owl`](../patterns/owl.md) | L4 | $0.10 |  |  |  | estimate |
| [`yak`](../patterns/yak.md) | T4 | $0.20 | $0.10 | $0.50 | $0.60 | estimate |

## Estimates → bills

| workflow | builds | tests | run | bill of estimate |
| --- | --- | --- | --- | --- |
| [`yak`](../patterns/yak.md) | $0.10 → $0.050000 | $0.50 → $0.25 | $0.60 → $0.30 | 50% |

<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->
--- /learnings/performance-metrics.md
# Performance metrics

Seconds, of deployments that worked on a ComfyUI itself: to start, and of a call when it is warm.

## By GPU

| GPU | workflows | cold start, median | a call, median |
| --- | --- | --- | --- |
| L4 | 2 | 19.75 s | 3.20 s |
| T4 | 2 | 9.50 s | 3.20 s |

## By workflow

| workflow | GPU | cold start | a call |
| --- | --- | --- | --- |
| [`elk`](../patterns/elk.md) | L4 | 30.00 s |  |
| [`fox`](../patterns/fox.md) | T4 | 9.50 s | 3.20 s |
| [`owl`](../patterns/owl.md) | L4 | 9.50 s | 3.20 s |
| [`yak`](../patterns/yak.md) | T4 | 9.50 s | 3.20 s |

<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->
--- /learnings/repository-setup.md
# Repository setup

What workflows of this repository were made of, where they worked on a ComfyUI itself.

## Versions

| ComfyUI | worked in |
| --- | --- |
| 0.3.64 | [`owl`](../patterns/owl.md), [`elk`](../patterns/elk.md), [`fox`](../patterns/fox.md), [`yak`](../patterns/yak.md) |

## Packs

| pack | commit | worked in |
| --- | --- | --- |
| `github.com/city96/ComfyUI-GGUF` | `aaaaaaaaaa` | [`owl`](../patterns/owl.md), [`fox`](../patterns/fox.md) |

## Models

| model | from | worked in |
| --- | --- | --- |
| `checkpoints/sd15.safetensors` | `unknown` | [`owl`](../patterns/owl.md), [`elk`](../patterns/elk.md), [`yak`](../patterns/yak.md) |
| `unet/x.gguf` | `huggingface.co` | [`fox`](../patterns/fox.md) |

<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->
""")


def test_the_order_in_which_entries_come_changes_nothing() -> None:
    wanted = learnings(Library(ALL), {})
    for seed in range(5):
        entries = list(ALL)
        random.Random(seed).shuffle(entries)
        assert learnings(Library(tuple(entries)), wanted) == wanted


def test_what_people_write_below_is_kept_and_what_they_had_before_too() -> None:
    wanted = learnings(Library(ALL), {})
    noted = wanted | {INDEX: wanted[INDEX] + b"Ask Ada.\r\n"}
    assert learnings(Library(ALL), noted)[INDEX] == wanted[INDEX] + b"Ask Ada.\n"
    older = learnings(Library(ALL), {ERRORS: b"# Our errors\n"})[ERRORS]
    assert older == wanted[ERRORS] + b"\n# Our errors\n"
    assert learnings(Library(ALL), {ERRORS: older})[ERRORS] == older


def test_it_stays_short_and_hostile_words_stay_words() -> None:
    many = [
        entry(f"w{number}", *(Issue(signature="x", subject=f"{number}-{index}", cause="y" * 300) for index in range(3)))
        for number in range(MOST_ROWS + 7)
    ]
    pages = learnings(Library(tuple(many)), {})
    assert b"| and 7 more |" in pages[INDEX]
    assert pages[ERRORS].count(b"\n## ") == MOST_ROWS
    words = " ".join(filter(str.isprintable, HOSTILE)).replace("\n", " ")[:290]
    odd = entry("odd", Issue(signature="x", subject=words, cause=words, fix=words), title=words)
    shown = text(learnings(Library((odd,)), {}))
    assert "<img" not in shown
    assert all(line.count(" | ") == shown_columns for line, shown_columns in rows_of(shown))


def rows_of(shown: str) -> list[tuple[str, int]]:
    """Each row, with as many separators as its table's head has."""
    found, columns = [], 0
    for line in shown.splitlines():
        if not line.startswith("| "):
            columns = 0
            continue
        columns = columns or line.count(" | ")
        found.append((line.replace("\\| ", ""), columns))
    return found


def test_without_entries_there_is_nothing_to_read() -> None:
    assert all(END.encode() in data for data in learnings(Library(), {}).values())
