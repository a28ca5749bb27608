"""`flowberth github`: make a GitHub App, and see whether it is set up right."""

from __future__ import annotations

import os
import secrets
import sys
import webbrowser
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from github_app.cli.failures import CommandError, ExitCode
from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from github_app.cli.terminal import SafeConsole
    from github_app.server.inspection import Finding

app = typer.Typer(help="Make a GitHub App, and see whether it is set up right.", rich_markup_mode=None)

INIT_EXAMPLES = """\b
Examples:
  flowberth github init --public-url https://flowberth.example.com
  flowberth github init --public-url https://flowberth.example.com --org acme
  flowberth github init --public-url https://flowberth.example.com --api-url https://github.acme.com/api/v3
"""
CHECK_EXAMPLES = """\b
Examples:
  flowberth github check
  flowberth github check --json | jq '.findings[] | select(.right | not)'
"""


@app.command("init", epilog=INIT_EXAMPLES)
def init(
    *,
    org: Annotated[
        str | None, typer.Option("--org", metavar="ORG", help="Organization that is to own the App; else you do.")
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url", metavar="URL", help="Where GitHub reaches `flowberth serve`. Or FLOWBERTH_PUBLIC_URL."
        ),
    ] = None,
    api_url: Annotated[
        str | None,
        typer.Option("--api-url", metavar="URL", help="API of a GitHub Enterprise Server: https://HOST/api/v3."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name to propose; no other App may have it.")
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port for the page on this machine; 0: a free one.")
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address of the page.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the App that is set up already.")] = False,
    json: Json = False,
) -> None:
    """Make a GitHub App in the browser, and store its settings.

    Opens a page on this machine that leads to GitHub, where you see what the App may do, and agree. Its id, key and
    webhook secret are stored in the data folder, readable by you only, and shown nowhere.
    """
    from github_app.server.keeping import keep  # noqa: PLC0415 - not for --help
    from github_app.server.registration import Wanted, registering  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    settings = load_settings(public_url=public_url, github_api_url=api_url)
    if settings.github_app_id is not None and not force:
        raise CommandError(
            f"App {settings.github_app_id} is set up already",
            hint="`flowberth github check` says whether it works; --force replaces it.",
        )
    if settings.public_url is None:
        raise CommandError(
            "GitHub must know where to send its webhooks",
            hint="Give --public-url, such as https://flowberth.example.com: where `flowberth serve` can be reached.",
        )
    wanted = Wanted(
        github_url=settings.github_url,
        api_url=settings.github_api_url,
        public_url=settings.public_url,
        name=name or f"Flowberth {org or secrets.token_hex(3)}",
        organization=org,
    )
    out = Output(as_json=json)
    with registering(wanted, lambda made: keep(settings.data_dir, made, wanted), port=port) as registration:
        _show_address(out, registration.url, browser=not no_browser)
        made = registration.wait()
    _warn_of_environment(out)
    value = {"id": made.id, "slug": made.slug, "url": made.url, "install_url": made.install_url}

    def show(console: SafeConsole) -> None:
        console.print(f"{made.name} is made, and its settings are in {settings.data_dir}.")
        console.print(f"Install it where Flowberth is to work:  {made.install_url}")
        console.print("Then start the server:  flowberth serve")

    out.result({**value, "data_dir": str(settings.data_dir)}, show)


@app.command("check", epilog=CHECK_EXAMPLES)
def check(*, json: Json = False) -> None:
    """Say whether the App works, and what to change where.

    Asks GitHub for the App's permissions, events, webhook, installations and last deliveries. Exit code 0 means that
    everything needed is right.
    """
    from github_app.composition import database_of  # noqa: PLC0415 - not for --help
    from github_app.server.inspection import inspect  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with database_of(settings) as database:
        findings = inspect(settings, database)
    right = all(finding.right or not finding.needed for finding in findings)
    Output(as_json=json).result(
        {"ok": right, "findings": [asdict(finding) for finding in findings]}, lambda console: _show(console, findings)
    )
    if not right:
        raise typer.Exit(ExitCode.FAILED)


def _show_address(out: Output, url: str, *, browser: bool) -> None:
    """In a browser if there is one on a screen; in words in any case."""
    has_screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    if browser and has_screen and webbrowser.open(url):
        out.note("Go on in the browser. If none has opened, open this address on this machine:")
    else:
        port = url.split(":")[2].partition("/")[0]
        out.note("Open this address in a browser on this machine. If your browser is on another one, run there first:")
        out.note(f"  ssh -L {port}:127.0.0.1:{port} THIS-MACHINE")
    out.note(f"  {url}")


def _warn_of_environment(out: Output) -> None:
    """What was stored counts only where the environment says nothing else."""
    from github_app.settings import variables  # noqa: PLC0415 - not for --help

    stored = ("github_app_id", "github_private_key", "github_private_key_file", "github_webhook_secret")
    if shadows := [name for field in stored for name in variables(field) if os.environ.get(name)]:
        out.note(f"{', '.join(shadows)} in the environment wins over what has been stored: unset it.")


def _show(console: SafeConsole, findings: list[Finding]) -> None:
    for finding in findings:
        mark, style = ("✓", "green") if finding.right else ("✗", "bold red") if finding.needed else ("○", "yellow")
        console.print(Text(f"{mark} ", style=style).append(f"{finding.name}: {finding.detail}", style="default"))
        if finding.mend:
            console.print(Text(f"  {finding.mend}", style="dim"))
