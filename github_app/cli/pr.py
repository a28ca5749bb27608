"""`flowberth pr`: the pull requests of the local forge, for repositories that are on no GitHub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.options import Json, Repo  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from github_app.cli.terminal import SafeConsole
    from github_app.local_forge import LocalForge
    from runner.model import PullRequest

EXAMPLES = """\b
Example:
  flowberth pr {} 1
"""

FOLDED = re.compile(r"^<details><summary>([^<\n]*)</summary>$", re.MULTILINE)
STATE_STYLES = {"open": "green", "merged": "magenta", "closed": "red"}

MOST = 2**31 - 1
"""Of what the database counts in."""
Number = Annotated[int, typer.Argument(metavar="N", min=1, max=MOST, help="Number of the pull request.")]

app = typer.Typer(
    help="Read, merge and close pull requests.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command("list", epilog="\b\nExample:\n  flowberth pr list --repo ~/code/site\n")
def list_pull_requests(*, repo: Repo = None, json: Json = False) -> None:
    """List the pull requests of a repository, newest first."""
    with _forge(repo) as forge:
        pull_requests = forge.list()
    Output(as_json=json).result(
        {"pull_requests": [_json(pull_request) for pull_request in pull_requests]},
        lambda console: show_pull_requests(console, pull_requests),
    )


@app.command(epilog=EXAMPLES.format("show"))
def show(*, number: Number, repo: Repo = None, json: Json = False) -> None:
    """Show a pull request: its title, state and text, with test results, cost and how to call the endpoint."""
    with _forge(repo) as forge:
        pull_request = forge.show(number)
    Output(as_json=json).result(_json(pull_request), lambda console: show_pull_request(console, pull_request))


@app.command(epilog=EXAMPLES.format("merge"))
def merge(*, number: Number, repo: Repo = None, json: Json = False) -> None:
    """Merge a pull request into its base branch, as a real git merge.

    If the base branch is checked out, the checkout follows; if it has uncommitted changes, nothing is done.
    """
    with _forge(repo) as forge:
        pull_request = forge.merge(number)
    Output(as_json=json).result(
        _json(pull_request),
        lambda console: console.print(f"#{number} is merged into {terminal.one_line(pull_request.base)}"),
    )


@app.command(epilog=EXAMPLES.format("close"))
def close(*, number: Number, repo: Repo = None, json: Json = False) -> None:
    """Close a pull request without merging it. Its branch stays."""
    with _forge(repo) as forge:
        pull_request = forge.close(number)
    Output(as_json=json).result(_json(pull_request), lambda console: console.print(f"#{number} is closed"))


def _forge(repo: Path | None) -> AbstractContextManager[LocalForge]:
    from github_app.cli.repository import choose_repository  # noqa: PLC0415 - not for --help
    from github_app.composition import opened_forge  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    return opened_forge(settings, choose_repository(repo, settings).root)


def _json(pull_request: PullRequest) -> dict[str, object]:
    return pull_request.model_dump(mode="json")


def show_pull_requests(console: SafeConsole, pull_requests: tuple[PullRequest, ...]) -> None:
    """A table, or how to make the first one."""
    if not pull_requests:
        console.print("There are no pull requests yet. Make one with: flowberth up WORKFLOW")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "title", "state", "branch", "into"):
        table.add_column(column, overflow="fold")
    for pull_request in pull_requests:
        table.add_row(
            f"#{pull_request.number}",
            terminal.one_line(pull_request.title),
            _state(pull_request),
            terminal.one_line(pull_request.head),
            terminal.one_line(pull_request.base),
        )
    console.print(table)


def show_pull_request(console: SafeConsole, pull_request: PullRequest) -> None:
    """The whole text: laid out on a terminal, as Markdown elsewhere."""
    title = Text(f"#{pull_request.number} {terminal.one_line(pull_request.title)}", style="bold")
    console.print(title)
    console.print(_state(pull_request).append(f"  {pull_request.head} → {pull_request.base}", style="default"))
    console.print(terminal.one_line(pull_request.url), style="dim")
    console.print()
    if console.is_terminal:
        from rich.markdown import Markdown  # noqa: PLC0415 - slow to import

        # Cleaned before it is parsed; links in full, so that no text can hide where it leads.
        console.print(Markdown(terminal.clean(_unfolded(pull_request.body)), hyperlinks=False))
    else:
        console.print(pull_request.body)


def _unfolded(body: str) -> str:
    """Without what only a page can show: what it folds has a line above it."""
    return FOLDED.sub(r"**\1**", body).replace("> [!WARNING]\n", "")


def _state(pull_request: PullRequest) -> Text:
    return Text(pull_request.state, style=STATE_STYLES[pull_request.state])
