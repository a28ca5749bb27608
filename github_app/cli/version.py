"""`flowberth version`."""

from __future__ import annotations

import platform
from importlib import metadata

from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotation
from github_app.cli.output import Output

EXAMPLES = """\b
Examples:
  flowberth version
  flowberth version --json
"""


def version(*, json: Json = False) -> None:
    """Print the version of Flowberth and of what it runs on."""
    facts = {"flowberth": metadata.version("flowberth"), "python": platform.python_version()}
    Output(as_json=json).result(
        {**facts, "platform": platform.platform()},
        lambda console: console.print(f"flowberth {facts['flowberth']} (Python {facts['python']})"),
    )
