"""`flowberth kb`: what a repository's deployments have taught, found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.options import Json, Repo  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from github_app.cli.terminal import SafeConsole
    from runner.knowledge.index import Refreshed
    from runner.knowledge.search import Found, Hit

SEARCH_EXAMPLES = """\b
Examples:
  flowberth kb search upscale a portrait
  flowberth kb search UltralyticsDetectorProvider --limit 3
  flowberth kb search '"out of memory" -video' --json | jq -r '.hits[].path'
"""
REBUILD_EXAMPLES = """\b
Example:
  flowberth kb rebuild
"""
MOST_HITS = 50
"""`runner.knowledge.search.MOST_HITS`, spelled out because reading it there would load SQLAlchemy for `--help`."""
LONGEST_REASON = 100
"""Characters."""
KINDS = {"pattern": "workflow", "learning": "learned", "fix": "fix", "nodes": "nodes"}

app = typer.Typer(
    help="Search the knowledge base of a repository.", rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.command(epilog=SEARCH_EXAMPLES)
def search(
    *,
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT",
            help="What to look for: what a workflow does, a node, a model, an error. "
            'As "two words": only where they stand like this. As -word: only where it does not.',
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=MOST_HITS, metavar="N", help="How many hits, best first.")] = 10,
    repo: Repo = None,
    json: Json = False,
) -> None:
    """Find workflows, nodes, fixes and lessons in the knowledge base of a repository.

    What is committed on the branch that is checked out counts; the index is brought up to date first.
    """
    from github_app.cli.repository import choose_repository  # noqa: PLC0415 - not for --help
    from github_app.composition import opened_finder  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from runner.model import repository_key  # noqa: PLC0415
    from worktrees.snapshot import Snapshot  # noqa: PLC0415

    settings = load_settings()
    choice = choose_repository(repo, settings)
    with opened_finder(settings) as finder:
        key = repository_key(choice.root)
        finder.index.refresh(key, Snapshot.at(choice.checkout, "HEAD"))
        found = finder.search(key, " ".join(text), limit)
    Output(as_json=json).result(found.model_dump(mode="json"), lambda console: _show(console, found))


@app.command(epilog=REBUILD_EXAMPLES)
def rebuild(*, repo: Repo = None, json: Json = False) -> None:
    """Forget the index of a knowledge base, and make it from the repository's files.

    Never needed in everyday use: the index follows the repository. The files are only read.
    """
    from github_app.cli.repository import choose_repository  # noqa: PLC0415 - not for --help
    from github_app.composition import opened_finder  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from runner.model import repository_key  # noqa: PLC0415
    from worktrees.snapshot import Snapshot  # noqa: PLC0415

    settings = load_settings()
    choice = choose_repository(repo, settings)
    with opened_finder(settings) as finder:
        done = finder.index.rebuild(repository_key(choice.root), Snapshot.at(choice.checkout, "HEAD"))
    Output(as_json=json).result(done.model_dump(mode="json"), lambda console: _show_rebuilt(console, done))


def _show(console: SafeConsole, found: Found) -> None:
    if not found.entries:
        console.print("The knowledge base is empty. Each deployment adds to it, from the moment it is merged.")
        return
    for place, hit in enumerate(found.hits, 1):
        _show_hit(console, place, hit)
    if not found.hits:
        console.print(f"Nothing of {found.entries:,} entries has that. Fewer or other words may.")
    if found.told:
        console.print(Text(f"Searched by words alone: {terminal.one_line(found.told)}.", style="dim"))


def _show_hit(console: SafeConsole, place: int, hit: Hit) -> None:
    line = Text(f"{place:>2}. ").append(terminal.shorten(hit.title, LONGEST_REASON), style="bold")
    console.print(line.append(f"  {KINDS[hit.kind]}", style="dim"))
    console.print(f"    {terminal.one_line(hit.path)}{'#' if hit.part else ''}{terminal.one_line(hit.part)}")
    reasons = [
        "title" if reason.where == "title" else f"{reason.where} {terminal.shorten(reason.text, LONGEST_REASON)}"
        for reason in hit.reasons
    ] or ["means about the same"]
    console.print(Text(f"    {'; '.join(reasons)}", style="dim"))


def _show_rebuilt(console: SafeConsole, done: Refreshed) -> None:
    entries = f"{done.entries:,} entr{'y' if done.entries == 1 else 'ies'}"
    console.print(f"{entries} from {done.files:,} files of commit {done.commit[:12]}")
    if done.told:
        console.print(Text(f"{done.told[0].upper()}{terminal.one_line(done.told[1:])}.", style="dim"))
