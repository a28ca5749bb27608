"""`flowberth worker`: a process that handles what GitHub has sent, and carries out runs."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotations

EXAMPLES = """\b
Examples:
  flowberth worker
  FLOWBERTH_DATABASE_URL=postgresql://flowberth@db/flowberth flowberth worker
"""


def worker(
    *,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True, help="End when standard input ends.")] = False,
    json: Json = False,
) -> None:
    """Handle GitHub's deliveries and carry out runs, until told to end.

    `flowberth serve` starts workers itself. Run more of them, on other machines too, on the same database. SIGTERM or
    Ctrl-C ends a worker; its runs go on in another one, or at the next start.
    """
    from github_app.server.serving import log_to_stderr  # noqa: PLC0415 - not for --help
    from github_app.server.workers import end_with_parent  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from github_app.worker import run_worker  # noqa: PLC0415
    from runner.cancellation import Terminated  # noqa: PLC0415

    del json  # there is no result; errors are told as JSON
    settings = load_settings()
    settings.github_credentials()
    log_to_stderr()
    if lifeline:
        end_with_parent()
    with contextlib.suppress(Terminated):  # as it should
        run_worker(settings)
