"""`flowberth doctor`: is everything there, and how to mend what is not."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from github_app.cli.failures import ExitCode
from github_app.cli.options import Json  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from github_app.cli.terminal import SafeConsole
    from github_app.settings import Settings

State: TypeAlias = Literal["ok", "optional", "problem"]
STYLES: dict[State, str] = {"ok": "green", "optional": "yellow", "problem": "bold red"}
MARKS: dict[State, str] = {"ok": "✓", "optional": "○", "problem": "✗"}

OLDEST_GIT = (2, 38)
"""`git merge-tree --write-tree`, with which merges are made without a checkout, came with 2.38."""
OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3
"""An embedded database is 50 MB, a mirror as large as its repository; a full disk breaks both in ugly ways."""
COMFYUI_DEFAULT_URL = "http://127.0.0.1:8188"
"""Where ComfyUI listens unless told otherwise."""
COMMAND_SECONDS = 10.0
NOT_NEEDED = "optional, not needed for the local path"

EXAMPLES = """\b
Examples:
  flowberth doctor
  flowberth doctor --comfyui ~/ComfyUI
  flowberth doctor --json | jq '.checks[] | select(.state == "problem")'
"""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `mend` says what to do about it."""

    name: str
    state: State
    detail: str
    mend: str | None = None


def doctor(
    *,
    comfyui: Annotated[
        str | None, typer.Option(metavar="URL|PATH", help="ComfyUI to look at, as you would give it to `up`.")
    ] = None,
    json: Json = False,
) -> None:
    """Check what is there, and say how to mend what is not.

    Exit code 0 means that `flowberth up` can work on this machine. What is only needed for Modal or GitHub is told
    as optional.
    """
    from github_app.settings import load_settings  # noqa: PLC0415 - not for --help

    settings = load_settings()
    checks = examine(settings, comfyui)
    healthy = all(check.state != "problem" for check in checks)
    Output(as_json=json).result(
        {"ok": healthy, "checks": [asdict(check) for check in checks]}, lambda console: _show(console, checks)
    )
    if not healthy:
        raise typer.Exit(ExitCode.FAILED)


def examine(settings: Settings, comfyui: str | None = None) -> list[Check]:
    """All checks, in the order in which a person would mend them."""
    looks: list[Callable[[], Check]] = [
        check_git,
        check_python,
        lambda: check_disk(settings.data_dir),
        lambda: check_database(settings),
        lambda: check_comfyui(comfyui or settings.comfyui),
        lambda: check_modal(settings),
        lambda: check_github(settings),
        lambda: check_slack(settings),
    ]
    return [look() for look in looks]


def check_git() -> Check:
    """Found, and new enough."""
    mend = "Install git 2.38 or newer: https://git-scm.com/downloads"
    git = shutil.which("git")
    if git is None:
        return Check("git", "problem", "not found on PATH", mend)
    try:
        said = subprocess.run([git, "--version"], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check("git", "problem", f"{git} does not run: {error}", mend)
    found = re.search(r"(\d+)\.(\d+)[.\d]*", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
        return Check("git", "problem", f"{said.stdout.strip()} is too old", mend)
    return Check("git", "ok", f"{found[0]} ({git})")


def check_python() -> Check:
    """New enough."""
    version = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        return Check("Python", "problem", f"{version} is too old", "Install Python 3.11 or newer.")
    return Check("Python", "ok", version)


def check_disk(data_dir: Path) -> Check:
    """The data folder can be written, and there is room."""
    mend = "Choose another folder with FLOWBERTH_DATA_DIR."
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(data_dir).free
    except OSError as error:
        return Check("disk", "problem", f"{data_dir}: {error.strerror}", mend)
    if not os.access(data_dir, os.W_OK):
        return Check("disk", "problem", f"{data_dir} cannot be written", mend)
    detail = f"{free / 1024**3:.1f} GiB free for {data_dir}"
    if free < LEAST_FREE_BYTES:
        return Check("disk", "problem", detail, f"Make room, at least 1 GiB. {mend}")
    return Check("disk", "ok", detail)


def check_database(settings: Settings) -> Check:
    """Can be reached, or started, and is up to date."""
    from sqlalchemy import text  # noqa: PLC0415 - not for --help
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from github_app.composition import database_of  # noqa: PLC0415
    from runner.errors import RunnerError  # noqa: PLC0415
    from runner.log import log_path  # noqa: PLC0415

    mend = f"Look into {log_path(settings.data_dir)}, or set FLOWBERTH_DATABASE_URL to a PostgreSQL server."
    if settings.database_url is not None:
        mend = "Start that server, or unset FLOWBERTH_DATABASE_URL and DATABASE_URL to use the embedded Postgres."
    try:
        with database_of(settings) as database, database.engine.connect() as connection:
            version = connection.scalar(text("SHOW server_version"))
            return Check("database", "ok", f"PostgreSQL {version}, {database.place}")
    except (RunnerError, SQLAlchemyError, OSError) as error:
        return Check("database", "problem", str(error), mend)


def check_comfyui(comfyui: str | None) -> Check:
    """The one that was asked for answers or is a checkout; without one, whether one runs at the usual place."""
    if comfyui is not None and not comfyui.startswith(("http://", "https://")):
        return _check_checkout(comfyui)
    url = (comfyui or COMFYUI_DEFAULT_URL).rstrip("/")
    version = _comfyui_version(url)
    if version is not None:
        use = "" if comfyui else f"; `--comfyui {url}` makes `up` use it"
        return Check("ComfyUI", "ok", f"{version} at {url}{use}")
    if comfyui is not None:
        mend = f"Start ComfyUI, and open {url} in a browser to see whether it is there."
        return Check("ComfyUI", "problem", f"nothing that speaks as ComfyUI does answers at {url}", mend)
    return Check(
        "ComfyUI",
        "optional",
        f"none running at {url}; {NOT_NEEDED}: the stand-in engine simulates it",
        "To run workflows for real, install ComfyUI and give its URL or folder with --comfyui.",
    )


def _check_checkout(folder: str) -> Check:
    if (Path(folder).expanduser() / "main.py").is_file():
        return Check("ComfyUI", "ok", f"checkout in {folder}")
    return Check("ComfyUI", "problem", f"{folder} holds no main.py", "Give the folder of a ComfyUI checkout, or a URL.")


def _comfyui_version(url: str) -> str | None:
    import httpx  # noqa: PLC0415 - not for --help

    from runner.engine import system_stats  # noqa: PLC0415

    try:
        return str(system_stats(url)["comfyui_version"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError, KeyError):
        return None


def check_modal(settings: Settings) -> Check:
    """Modal accepts the token of each workspace that is set up, if apps are deployed there."""
    from github_app.settings import InvalidSettings  # noqa: PLC0415 - not for --help
    from github_app.targets import HINT, modal_accounts_of  # noqa: PLC0415
    from runner.targets.modal.errors import ModalError  # noqa: PLC0415
    from runner.targets.modal.target import ModalTarget  # noqa: PLC0415

    if settings.target != "modal":
        mend = f"To deploy on Modal, set FLOWBERTH_TARGET=modal. {HINT}"
        return Check("Modal token", "optional", f"not used, apps stay on this machine; {NOT_NEEDED}", mend)
    try:
        accounts = modal_accounts_of(settings)
        target = ModalTarget(accounts, settings.data_dir)
        try:
            names = [target.check(account.owner) for account in accounts.all()]
        finally:
            target.close()
    except (InvalidSettings, ModalError) as error:
        return Check("Modal token", "problem", str(error), HINT)
    return Check("Modal token", "ok", f"accepted, for {' and '.join(names)}")


def check_github(settings: Settings) -> Check:
    """All three settings of a GitHub App, or none."""
    wanted = {
        "FLOWBERTH_GITHUB_APP_ID": settings.github_app_id,
        "FLOWBERTH_GITHUB_PRIVATE_KEY": settings.github_private_key or settings.github_private_key_file,
        "FLOWBERTH_GITHUB_WEBHOOK_SECRET": settings.github_webhook_secret,
    }
    missing = [name for name, value in wanted.items() if value is None]
    if not missing:
        return Check("GitHub App", "ok", f"app {settings.github_app_id}")
    detail = "not set up" if len(missing) == len(wanted) else f"{', '.join(missing)} not set"
    mend = f"To answer issues on GitHub, run `flowberth github init`, or set {', '.join(missing)}."
    return Check("GitHub App", "optional", f"{detail}; {NOT_NEEDED}", mend)


def check_slack(settings: Settings) -> Check:
    """Slack accepts the token, if there is one, and the app may do what it has to."""
    from github_app.settings import SLACK_SET_UP, InvalidSettings  # noqa: PLC0415 - not for --help

    try:
        slack = settings.slack()
    except InvalidSettings as error:
        return Check("Slack", "problem", str(error), error.hint)
    if slack is None:
        mend = f"To be told of runs in Slack, set FLOWBERTH_SLACK_BOT_TOKEN. {SLACK_SET_UP}"
        return Check("Slack", "optional", f"not set up; {NOT_NEEDED}", mend)
    from github_app.slack.client import SCOPES_TO_TAKE, SCOPES_TO_TELL, SlackClient  # noqa: PLC0415
    from github_app.slack.errors import SlackError  # noqa: PLC0415

    try:
        identity = SlackClient(slack.api_url, slack.bot_token).whoami()
    except SlackError as error:
        return Check("Slack", "problem", str(error), f"Compare FLOWBERTH_SLACK_BOT_TOKEN. {SLACK_SET_UP}")
    wanted = (*SCOPES_TO_TELL, *(SCOPES_TO_TAKE if slack.signing_secret else ()))
    if identity.scopes and (missing := [scope for scope in wanted if scope not in identity.scopes]):
        mend = "Add them under `OAuth & Permissions` of the app, and install it anew."
        return Check("Slack", "problem", f"the app lacks the scopes {', '.join(missing)}", mend)
    takes = "" if slack.signing_secret else "; without FLOWBERTH_SLACK_SIGNING_SECRET nothing is taken from there"
    count = f"{len(slack.channels)} channel{'' if len(slack.channels) == 1 else 's'}"
    return Check("Slack", "ok", f"{identity.bot} in {identity.team}, {count}{takes}")


def _show(console: SafeConsole, checks: list[Check]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        style = STYLES[check.state]
        table.add_row(Text(MARKS[check.state], style=style), check.name, check.detail)
        if check.mend:
            table.add_row("", "", Text(check.mend, style="dim"))
    console.print(table)
    if any(check.state == "problem" for check in checks):
        console.print(Text("Not everything is there yet.", style="bold red"))
    else:
        console.print("Ready: flowberth up WORKFLOW")
