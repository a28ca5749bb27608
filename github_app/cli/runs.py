"""`flowberth runs`: what was asked for, how it goes and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.failures import ExitCode
from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.model import JsonObject
    from github_app.cli.terminal import SafeConsole
    from runner.budget.model import RunMoney
    from runner.records import RunRecord

LIST_EXAMPLES = """\b
Examples:
  flowberth runs list
  flowberth runs list --limit 5 --json | jq '.runs[].state'
"""
SHOW_EXAMPLES = """\b
Example:
  flowberth runs show run_abcdefghijklmnopqrst
"""
RESUME_EXAMPLES = """\b
Examples:
  flowberth runs resume                             all that were interrupted
  flowberth runs resume run_abcdefghijklmnopqrst    this one
"""
CANCEL_EXAMPLES = """\b
Example:
  flowberth runs cancel run_abcdefghijklmnopqrst
"""

RunArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of a run, as `flowberth runs list` shows it.")]

app = typer.Typer(help="See, resume and cancel runs.", rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("list", epilog=LIST_EXAMPLES)
def list_runs(
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List the last runs, newest first."""
    from github_app.composition import opened_records  # noqa: PLC0415 - not for --help
    from github_app.settings import load_settings  # noqa: PLC0415

    with opened_records(load_settings()) as recorded:
        records = recorded.newest(limit)
    Output(as_json=json).result(
        {"runs": [_record_json(record) for record in records]}, lambda console: _show_list(console, records)
    )


@app.command(epilog=SHOW_EXAMPLES)
def show(*, run_id: RunArgument, json: Json = False) -> None:
    """Show one run: steps, tests, money, pull request, log."""
    from github_app.composition import opened_books  # noqa: PLC0415 - not for --help
    from github_app.settings import load_settings  # noqa: PLC0415
    from runner.log import log_path  # noqa: PLC0415

    settings = load_settings()
    with opened_books(settings) as (recorded, ledger):
        record = recorded.get(run_id)
        money = ledger.state(record.id)
    log = log_path(settings.data_dir)
    Output(as_json=json).result(
        {**_record_json(record), "money": _money_json(money), "log": str(log)},
        lambda console: _show_record(console, record, money, log),
    )


@app.command(epilog=RESUME_EXAMPLES)
def resume(
    *,
    run_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this run; by default all.")] = None,
    json: Json = False,
) -> None:
    """Go on with runs whose process was killed.

    Each goes on at the step it was in. Of several runs of one app only the newest does. Exit code 0 means that
    all of them succeeded.
    """
    from github_app.cli.progress import watcher  # noqa: PLC0415 - not for --help
    from github_app.cli.summary import show_result  # noqa: PLC0415
    from github_app.cli.up import exit_code  # noqa: PLC0415
    from github_app.composition import opened_runs  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    with watcher(plain=json) as watching, opened_runs(load_settings(), watching) as runs:
        results = runs.resume(run_id)

    def show_all(console: SafeConsole) -> None:
        if not results:
            console.print("There is no interrupted run.")
        for result in results:
            show_result(console, result)

    Output(as_json=json).result({"runs": [result.model_dump(mode="json") for result in results]}, show_all)
    if code := max((exit_code(result) for result in results), default=ExitCode.OK):
        raise typer.Exit(code)


@app.command(epilog=CANCEL_EXAMPLES)
def cancel(*, run_id: RunArgument, json: Json = False) -> None:
    """End a run, and stop the app it left serving.

    Works from any terminal, whichever process carries the run out.
    """
    from github_app.composition import opened_runs  # noqa: PLC0415 - not for --help
    from github_app.settings import load_settings  # noqa: PLC0415

    with opened_runs(load_settings()) as runs:
        record = runs.cancel(run_id)
    Output(as_json=json).result(
        _record_json(record), lambda console: console.print(f"{record.id} is {record.state}; nothing of it is serving")
    )


def _record_json(record: RunRecord) -> JsonObject:
    return record.model_dump(mode="json", exclude={"number", "protocol"})


def _money_json(money: RunMoney) -> JsonObject | None:
    """US dollars; `None` where nothing costs. `billed` is `None` before the first bill."""
    if not money.parts:
        return None
    return {
        "limit": float(money.limit),
        "estimated": float(money.estimated),
        "billed": None if money.actual is None else float(money.actual),
        "bill_complete": money.fully_billed,
    }


def _show_list(console: SafeConsole, records: tuple[RunRecord, ...]) -> None:
    if not records:
        console.print("There are no runs yet. Start one with: flowberth up WORKFLOW")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("run", "name", "state", "step", "pull request", "started", "repository"):
        table.add_column(column, no_wrap=column in ("run", "state", "started"), overflow="fold")
    for record in records:
        pull_request = f"#{record.result.pr.number}" if record.result and record.result.pr else ""
        table.add_row(
            record.id,
            record.name,
            _state(record),
            record.step or "",
            pull_request,
            f"{record.created_at.astimezone():%Y-%m-%d %H:%M}",
            terminal.one_line(record.repo),
        )
    console.print(table)


def _state(record: RunRecord) -> Text:
    from github_app.cli.summary import STATE_STYLES  # noqa: PLC0415 - loaded by whoever shows a run

    return Text(record.state, style=STATE_STYLES.get(record.state, "default"))


def _show_record(console: SafeConsole, record: RunRecord, money: RunMoney, log: Path) -> None:
    from github_app.cli.summary import show_result  # noqa: PLC0415 - not for --help
    from runner.model import steps_of  # noqa: PLC0415

    names = steps_of(record.kind, drafts=record.repo.startswith("github:"))
    reached = names.index(record.step) if record.step in names else -1
    steps = Text("Steps: ")
    for index, step in enumerate(names):
        done = index < reached or (index == reached and record.state == "succeeded")
        steps.append(f"{step} ", style="green" if done else "bold" if index == reached else "dim")
        steps.append("✓ " if done else "← " if index == reached else "")
    console.print(Text(f"{record.id} ").append_text(_state(record)), soft_wrap=True)
    console.print(f"Workflow: {terminal.one_line(record.filename)}, sha256 {record.workflow_sha256}")
    console.print(f"Asked for {record.created_at.astimezone():%Y-%m-%d %H:%M:%S}, for {terminal.one_line(record.repo)}")
    console.print(steps)
    if record.result:
        show_result(console, record.result)
    if money.parts:
        billed = (
            "" if money.actual is None else f"; billed {'' if money.fully_billed else 'so far '}${money.actual:.2f}"
        )
        console.print(f"Spent: ${money.estimated:.2f} of ${money.limit:.2f} (estimate){billed}")
    console.print(f"Log: {log}")
