"""The command line: `flowberth`.

One module per command; `program` puts them together and is the only place that turns errors into words and exit codes.
What every command can rely on:

* results go to stdout, everything else to stderr; with `--json` stdout carries exactly one JSON object;
* nothing that comes from a file, a name or a log reaches the terminal as a control sequence (`terminal`);
* heavy libraries are imported by the command that needs them, when it needs them: `--help` takes no database driver.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of the `flowberth` script."""
    from github_app.cli.program import app  # noqa: PLC0415 - importing this package must stay free of side effects

    app()
