"""`flowberth serve`: the server that GitHub talks to."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from github_app.server.serving import Ready

EXAMPLES = """\b
Examples:
  flowberth serve
  flowberth serve --host 0.0.0.0 --port 8080 --workers 2
  flowberth serve --workers 0                   workers run elsewhere: flowberth worker
  flowberth serve --json                        one line on stdout once it answers
"""


def serve(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port; 0 chooses a free one.")] = 8080,
    workers: Annotated[int, typer.Option(metavar="N", min=0, max=64, help="Worker processes to run beside it.")] = 1,
    json: Json = False,
) -> None:
    """Take GitHub's webhooks, and carry out what they ask for.

    Needs the settings of a GitHub App: `flowberth github init` makes one. One process takes the webhooks; workers,
    which are processes of their own, do the rest. SIGTERM or Ctrl-C ends it once what was accepted is on record; runs
    that are under way go on at the next start.
    """
    from github_app.server.serving import log_to_stderr  # noqa: PLC0415 - not for --help
    from github_app.server.serving import serve as serve_until_told  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    out = Output(as_json=json)

    def tell(ready: Ready) -> None:
        if json:  # a single line: its reader must know when it is complete, though the program goes on
            sys.stdout.write(json_format.dumps({"url": ready.url, "pid": ready.pid}) + "\n")
            sys.stdout.flush()
        out.note(f"Flowberth serves {ready.url} with {workers} worker{'' if workers == 1 else 's'}.")
        if settings.target == "local":
            out.note("The local target runs what is on branches as this user: read SECURITY.md before others can push.")
        if settings.public_url is None:
            out.note("FLOWBERTH_PUBLIC_URL is not set: `flowberth github check` cannot tell if webhooks come here.")

    log_to_stderr()
    serve_until_told(settings, host=host, port=port, workers=workers, on_ready=tell)
