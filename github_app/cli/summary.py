"""How a run ended, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.output import finding_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github_app.cli.terminal import SafeConsole
    from runner.model import Cost, RunResult, TestResult

STATE_STYLES = {"succeeded": "bold green", "failed": "bold red", "over-budget": "bold red", "cancelled": "bold yellow"}
SIMULATED = (
    "SIMULATED: the stand-in engine answered, not ComfyUI. This shows that the app and its interface work, "
    "not that the workflow does; --comfyui URL|PATH runs it on a real one."
)


def show_result(console: SafeConsole, result: RunResult) -> None:
    """Tests, cost, pull request and endpoint."""
    title = Text(f"{result.name or 'run'} ", style="bold")
    console.print(title.append(result.state, style=STATE_STYLES.get(result.state, "bold")))
    if result.tests:
        console.print(tests_table(result.tests))
    if result.variations:
        from github_app.cli.variations_view import show_variations  # noqa: PLC0415 - of few runs only

        show_variations(console, result.variations)
    if result.reason:
        # Indented, because the end of a log in it must not look like lines of ours.
        reason = result.reason.replace("\n", "\n    ")
        console.print(Text("Why: ", style="bold").append(reason, style="default not bold"))
    if result.engine == "stand-in" and (result.tests or result.variations):
        console.print(Text(SIMULATED, style="yellow"))
    for line in finding_lines(result.findings):
        console.print(line)
    console.print(_facts(result))


def tests_table(tests: Sequence[TestResult]) -> Table:
    """One row for each test."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for test in tests:
        mark = Text("✓", style="green") if test.passed else Text("✗", style="red")
        table.add_row(mark, terminal.one_line(test.name), f"{test.seconds:.2f} s", terminal.one_line(test.detail))
    return table


def cost_line(cost: Cost) -> str:
    """Dollars for one call, and what they are based on."""
    return f"${cost.usd:.6f} ({cost.basis}: {cost.execution_seconds:.2f} s at ${cost.usd_per_second:.6f} a second)"


def _facts(result: RunResult) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    if result.cost:
        facts.add_row("Cost of a call", cost_line(result.cost))
    if result.branch:
        commit = f" at {result.commit[:12]}" if result.commit else ""
        facts.add_row("Branch", f"{terminal.one_line(result.branch)}{commit} in {terminal.one_line(result.repo)}")
    if result.pr:
        facts.add_row("Pull request", f"#{result.pr.number} {terminal.one_line(result.pr.title)}")
        facts.add_row("", f"flowberth pr show {result.pr.number}, or {terminal.one_line(result.pr.url)}")
    if result.endpoint:
        facts.add_row("Serving at", result.endpoint)
        facts.add_row("Playground", f"{result.endpoint.rstrip('/')}/playground")
        facts.add_row("Stop it with", f"flowberth runs cancel {result.run_id}")
    elif result.tests:
        facts.add_row("Endpoint", "stopped; --keep leaves it serving")
    facts.add_row("Run", result.run_id)
    return facts
