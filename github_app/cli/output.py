"""What a command says: to people, or to a script."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.text import Text

from github_app.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.model import Finding, JsonObject
    from github_app.cli.failures import Failure
    from github_app.cli.terminal import SafeConsole

SEVERITY_STYLES = {"info": "cyan", "warning": "yellow", "error": "red"}


class Output:
    """One per command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, value: JsonObject, show: Callable[[SafeConsole], None]) -> None:
        """The command's result: `value` for scripts, or what `show` prints for people."""
        if self.as_json:
            print_json(value)
        else:
            show(terminal.stdout())

    def note(self, message: str) -> None:
        """Something worth knowing beside the result."""
        terminal.stderr().print(message)

    def failure(self, failure: Failure) -> None:
        """Why there is no result."""
        if self.as_json:
            print_json({"error": failure.as_json()})
            return
        console = terminal.stderr()
        console.print(Text("Error: ", style="bold red").append(failure.message, style="default not bold"))
        if failure.hint:
            console.print(Text(failure.hint))


def print_json(value: JsonObject) -> None:
    """One object on stdout. Escaped to ASCII, so that a terminal cannot be told anything by what is inside."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def finding_lines(findings: tuple[Finding, ...] | list[Finding]) -> list[Text]:
    """One line for each finding: severity, node, message and what to do."""
    return [_finding(finding) for finding in findings]


def _finding(finding: Finding) -> Text:
    line = Text(f"{finding.severity}: ", style=SEVERITY_STYLES[finding.severity])
    where = f"node {finding.node}: " if finding.node else ""
    line.append(terminal.one_line(where + finding.message.rstrip(".")) + ".", style="default")
    if finding.hint:
        line.append(" " + terminal.one_line(finding.hint), style="dim")
    return line
