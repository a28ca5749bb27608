"""Index and sums over all entries: short, in a stable order, each thing once. Pure: same entries, same bytes.

They are never part of an app's pull request, so that two of them cannot conflict: `runner.knowledge.refresh` writes
them on the base branch after a merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from runner.documents.markdown import Markdown, code, plain
from runner.documents.words import money
from runner.knowledge import LEARNINGS, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.knowledge.entry import Entry, Issue
    from runner.knowledge.library import Library

KeyT = TypeVar("KeyT")

MOST_ROWS: Final = 200
"""Of each table: more is looked for with a search, not read."""
MOST_NAMED: Final = 5
"""Workflows and fixes in a cell."""
ALWAYS_TOLD: Final = 2
"""Parts of each page: its title, and what it is about."""
END: Final = "<!-- Flowberth writes what is above this line anew after each merge. What you write below it is kept. -->"


@dataclass(frozen=True)
class Table:
    """Rows of Markdown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Markdown, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Section:
    """Of a page: a sentence, and a list."""

    title: Markdown
    lines: tuple[Markdown, ...]


@dataclass(frozen=True)
class Page:
    """One file."""

    title: str
    about: str
    tables: tuple[Table, ...] = ()
    sections: tuple[Section, ...] = ()


def learnings(library: Library, there: Mapping[str, bytes]) -> dict[str, bytes]:
    """Path in the repository → content, with what people have written below the last line of what is `there`."""
    pages = {
        f"{WORKFLOWS}/README.md": _index(library),
        f"{LEARNINGS}/common-errors.md": _errors(library),
        f"{LEARNINGS}/cost-estimates.md": _costs(library),
        f"{LEARNINGS}/performance-metrics.md": _times(library),
        f"{LEARNINGS}/repository-setup.md": _setup(library),
    }
    return {path: _written(page, there.get(path, b"")) for path, page in pages.items()}


def _written(page: Page, there: bytes) -> bytes:
    text = there.decode("utf-8", "replace").replace("\r\n", "\n")
    before, line, below = text.partition(f"{END}\n")
    told = [f"# {page.title}", page.about, *(part for table in page.tables for part in _parts(table))]
    told += [f"## {one.title}\n\n{one.lines[0]}\n\n{_lines(one.lines[1:])}" for one in page.sections[:MOST_ROWS]]
    if len(page.sections) > MOST_ROWS:
        told.append(f"And {len(page.sections) - MOST_ROWS} more.")
    body = "\n\n".join(told if len(told) > ALWAYS_TOLD else [*told, "Nothing yet."])
    notes = below if line else f"\n{before}" if before else ""  # a file that somebody had there before us
    return f"{body}\n\n{END}\n{notes}".encode()


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _parts(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    if table.title:
        yield f"## {table.title}"
    more = len(table.rows) - MOST_ROWS
    left = [(plain(f"and {more} more"), *[plain("")] * (len(table.columns) - 1))] if more > 0 else []
    lines = [table.columns, ["---"] * len(table.columns), *table.rows[:MOST_ROWS], *left]
    yield "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _index(library: Library) -> Page:
    rows = tuple(
        (
            _link(entry, "patterns"),
            plain(entry.title),
            plain(", ".join(sorted(set(entry.outputs.values()))) or "nothing that is known"),
            plain(entry.comfyui),
            plain(entry.gpu or "CPU"),
            _usd(entry.cost.call),
            plain(entry.tested.isoformat()),
            plain(_state(entry)),
        )
        for entry in sorted(library.entries, key=lambda entry: entry.name)
    )
    return Page(
        "Knowledge base of workflows",
        "What deployments of this repository's workflows have taught. Each has an entry in `patterns/`; "
        "`learnings/` sums them up; `learnings/fixes/` and `nodes/` are read by the next deployments.",
        (Table(("workflow", "title", "makes", "ComfyUI", "GPU", "a call", "tested", "state"), rows),),
    )


def _errors(library: Library) -> Page:
    met: dict[tuple[str, str], list[tuple[Entry, Issue]]] = {}
    for entry in _newest_first(library.entries):
        for issue in entry.issues:
            if not entry.simulated:
                met.setdefault((issue.signature, issue.subject), []).append((entry, issue))
    counted = sorted(met.items(), key=lambda one: (-len({entry.name for entry, _ in one[1]}), one[0]))
    return Page(
        "Common errors",
        "What was met on the way to deployments, and what was changed then; what the most workflows have met comes "
        "first.",
        sections=tuple(_error(signature, subject, cases) for (signature, subject), cases in counted),
    )


def _error(signature: str, subject: str, cases: list[tuple[Entry, Issue]]) -> Section:
    met = [issue for _, issue in cases if not issue.foreseen]
    quotes = [code(quote) for quote in _once(issue.quote for issue in met) if quote]
    fixes = [plain(fix) for fix in _once(issue.fix for _, issue in cases)]
    return Section(
        title=plain(f"{signature}: {subject}" if subject else signature),
        lines=(
            _some(plain(cause) for cause in _once(issue.cause for issue in met)) or plain("not met again"),
            *([Markdown(f"- told by {_some(quotes)}")] if quotes else []),
            Markdown(f"- changed then: {_some(fixes) if fixes else 'nothing that helped'}"),
            Markdown(f"- met in {_some(_link(entry) for entry, _ in cases)}"),
        ),
    )


def _costs(library: Library) -> Page:
    worked = sorted(library.believed, key=lambda entry: entry.name)
    rows = tuple(
        (
            _link(entry),
            plain(entry.gpu or "CPU"),
            *(_usd(value) for value in (entry.cost.call, entry.cost.build, entry.cost.tests, entry.cost.total)),
            plain(entry.cost.basis),
        )
        for entry in worked
    )
    billed = tuple(
        (
            _link(entry),
            *(
                plain(f"{money(estimate or 0)} → {money(bill)}")
                for estimate, bill in (
                    (entry.cost.build, actual.build),
                    (entry.cost.tests, actual.tests),
                    (entry.cost.total, actual.total),
                )
            ),
            plain(f"{actual.total / entry.cost.total:.0%}" if entry.cost.total else ""),
        )
        for entry in worked
        if (actual := entry.billed) is not None
    )
    return Page(
        "Cost estimates",
        "US dollars, of deployments that worked on a ComfyUI itself. The basis is that of the run's costs when the "
        "entry was written; a call is seconds at the price of the hardware.",
        (
            Table(
                ("GPU", "workflows", "a call, median", "a run, median"),
                _by_gpu(worked, lambda entry: (entry.cost.call, _best_known(entry)), _usd),
                "By GPU",
            ),
            Table(("workflow", "GPU", "a call", "builds", "tests", "run", "basis"), rows, "By workflow"),
            Table(("workflow", "builds", "tests", "run", "bill of estimate"), billed, "Estimates → bills"),
        ),
    )


def _best_known(entry: Entry) -> float | None:
    """What the run has cost: by its bills, if they have come."""
    return entry.cost.total if entry.billed is None else entry.billed.total


def _times(library: Library) -> Page:
    worked = sorted(library.believed, key=lambda entry: entry.name)
    rows = tuple(
        (
            _link(entry),
            plain(entry.gpu or "CPU"),
            _seconds(entry.performance.cold_start),
            _seconds(entry.performance.generation),
        )
        for entry in worked
    )
    return Page(
        "Performance metrics",
        "Seconds, of deployments that worked on a ComfyUI itself: to start, and of a call when it is warm.",
        (
            Table(
                ("GPU", "workflows", "cold start, median", "a call, median"),
                _by_gpu(worked, lambda entry: (entry.performance.cold_start, entry.performance.generation), _seconds),
                "By GPU",
            ),
            Table(("workflow", "GPU", "cold start", "a call"), rows, "By workflow"),
        ),
    )


def _setup(library: Library) -> Page:
    packs: dict[tuple[str, str], list[Entry]] = {}
    models: dict[tuple[str, str], list[Entry]] = {}
    cores: dict[str, list[Entry]] = {}
    for entry in library.believed:
        cores.setdefault(entry.comfyui, []).append(entry)
        for pack in entry.packs:
            packs.setdefault((pack.repository, pack.commit), []).append(entry)
        for model in entry.models:
            host = urlsplit(model.url).hostname if model.url else None
            models.setdefault((f"{model.folder}/{model.file}", host or "unknown"), []).append(entry)
    return Page(
        "Repository setup",
        "What workflows of this repository were made of, where they worked on a ComfyUI itself.",
        (
            Table(
                ("ComfyUI", "worked in"),
                tuple((plain(core), _some(map(_link, entries))) for core, entries in _most_used(cores)),
                "Versions",
            ),
            Table(
                ("pack", "commit", "worked in"),
                tuple(
                    (code(repository.removeprefix("https://")), code(commit[:10]), _some(map(_link, entries)))
                    for (repository, commit), entries in _most_used(packs)
                ),
                "Packs",
            ),
            Table(
                ("model", "from", "worked in"),
                tuple(
                    (code(file), code(host), _some(map(_link, entries))) for (file, host), entries in _most_used(models)
                ),
                "Models",
            ),
        ),
    )


def _most_used(used: Mapping[KeyT, list[Entry]]) -> Iterator[tuple[KeyT, list[Entry]]]:
    yield from sorted(used.items(), key=lambda one: (-len(one[1]), str(one[0])))


def _by_gpu(
    entries: Iterable[Entry],
    values: Callable[[Entry], tuple[float | None, ...]],
    shown: Callable[[float | None], Markdown],
) -> tuple[tuple[Markdown, ...], ...]:
    grouped: dict[str, list[tuple[float | None, ...]]] = {}
    for entry in entries:
        grouped.setdefault(entry.gpu or "CPU", []).append(values(entry))
    rows: list[tuple[Markdown, ...]] = []
    for gpu, measured in sorted(grouped.items()):
        known = [[value for value in column if value is not None] for column in zip(*measured, strict=True)]
        rows.append((plain(gpu), plain(str(len(measured))), *(shown(median(one) if one else None) for one in known)))
    return tuple(rows)


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(sorted(entries, key=lambda entry: entry.name), key=lambda entry: entry.tested, reverse=True)


def _once(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text is not None))


def _state(entry: Entry) -> str:
    if entry.simulated:
        return "simulated"
    return "passed" if entry.passed else "failed"


def _link(entry: Entry, patterns: str = "../patterns") -> Markdown:
    return Markdown(f"[`{entry.name}`]({patterns}/{entry.name}.md)")


def _some(shown: Iterable[Markdown]) -> Markdown:
    every = list(dict.fromkeys(shown))
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return Markdown(f"{', '.join(every[:MOST_NAMED])}{more}")


def _usd(value: float | None) -> Markdown:
    return plain("" if value is None else money(value))


def _seconds(value: float | None) -> Markdown:
    return plain("" if value is None else f"{value:.2f} s")
