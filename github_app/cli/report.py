"""`flowberth report`: the last report of an app, for CI systems and for people without an account."""

from __future__ import annotations

import json as json_format
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli import terminal
from github_app.cli.failures import CommandError
from github_app.cli.options import Json, Repo  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from github_app.cli.terminal import SafeConsole
    from runner.model import Report

EXAMPLES = """\b
Examples:
  flowberth report poster                       what the tests of its pull request found
  flowberth report poster --html report.html    as one page, with the picture in it
  flowberth report poster --junit report.xml    for a CI system
  flowberth report poster --at main --json
"""


def report(
    *,
    app: Annotated[str, typer.Argument(metavar="APP", help="Name of the app: its folder below apps/modal/.")],
    repo: Repo = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION",
            help="Branch or commit that it is read from. By default the branch of the app's pull request, else HEAD.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as a page without scripts, that needs nothing else.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JUnit XML.")] = None,
    json: Json = False,
) -> None:
    """Show the last report of an app as it is committed, and write it as HTML or JUnit XML.

    Exit code 0 means that it was found, whatever the tests said; `passed` of --json tells.
    """
    from codegen.committed import INTERFACE, LOCK, PROMPT, read_interface, read_lock, read_prompt  # noqa: PLC0415 - not for --help
    from runner.documents.junit import junit as junit_xml  # noqa: PLC0415
    from runner.documents.parts import REFERENCE  # noqa: PLC0415
    from runner.documents.report_file import REPORT, loaded  # noqa: PLC0415
    from runner.documents.report_page import SAMPLES, Picture, report_page  # noqa: PLC0415

    files, revision = _committed(app, repo, at)
    missing = [name for name in (REPORT, LOCK, PROMPT, INTERFACE) if name not in files]
    if missing:
        raise CommandError(
            f"{app}: no {missing[0]} in apps/modal/{app} at {revision}", hint="Name a revision that has it, with --at."
        )
    found = loaded(files[REPORT])
    if html is not None:
        lock, interface = read_lock(files[LOCK]), read_interface(files[INTERFACE], read_prompt(files[PROMPT]))
        picture = next((Picture(name, files[name]) for name in SAMPLES if name in files), None)
        _write(html, report_page(found, lock, interface, picture, files.get(REFERENCE)).encode())
    if junit is not None:
        _write(junit, junit_xml(found))
    written = [str(path) for path in (html, junit) if path is not None]
    Output(as_json=json).result(
        json_format.loads(files[REPORT]), lambda console: _show(console, found, revision, written)
    )


def _committed(app: str, repo: Path | None, at: str | None) -> tuple[Mapping[str, bytes], str]:
    """The files of an app's folder by name, and the revision that they are of."""
    from codegen.errors import InvalidName  # noqa: PLC0415 - not for --help
    from codegen.naming import app_name  # noqa: PLC0415
    from github_app.cli.repository import choose_repository  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from worktrees.errors import UnusableBase  # noqa: PLC0415
    from worktrees.snapshot import Snapshot  # noqa: PLC0415

    try:
        name = app_name(app)
    except InvalidName as error:
        raise CommandError(f"{terminal.one_line(app)} is no name of an app: {error}") from None
    root = choose_repository(repo, load_settings()).root
    revision = at or f"flowberth/{name}"
    try:
        snapshot = Snapshot.at(root, revision)
    except UnusableBase:
        if at is not None:
            raise
        revision = "HEAD"
        snapshot = Snapshot.at(root, revision)
    folder = f"apps/modal/{name}"
    blobs = [blob for blob in snapshot.files(folder) if "/" not in blob.path.removeprefix(f"{folder}/")]
    return {blob.path.removeprefix(f"{folder}/"): data for blob, data in snapshot.contents(blobs)}, revision


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from None


def _show(console: SafeConsole, found: Report, revision: str, written: list[str]) -> None:
    from github_app.cli.summary import SIMULATED, cost_line, tests_table  # noqa: PLC0415 - not for --help

    when = found.tested_at.strftime("%Y-%m-%d %H:%M UTC")
    console.print(f"{terminal.one_line(found.name)} at {terminal.one_line(revision)}, tested on {when}")
    console.print(tests_table(found.tests))
    if found.simulated:
        console.print(SIMULATED)
    for quality in found.quality:
        console.print(f"Quality of {terminal.one_line(quality.output)}: {quality.score:.1f} of 10")
    console.print(f"Cost of a call: {cost_line(found.cost)}")
    for path in written:
        console.print(f"Written: {path}")
