"""`flowberth render`: the generated app, as files."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli.analyze import plan_of
from github_app.cli.failures import CommandError
from github_app.cli.options import Core, GpuName, Json, LookUp, Name, WorkflowArgument  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output, finding_lines
from github_app.cli.workflow_file import read_workflow

if TYPE_CHECKING:
    from github_app.cli.terminal import SafeConsole

LOCK = "app.lock.json"

EXAMPLES = """\b
Examples:
  flowberth render examples/poster.json -o apps/modal
  flowberth render poster.json -o /tmp/look --name my-poster
  modal serve apps/modal/poster/app.py          deploy it yourself
"""


def render(
    *,
    workflow: WorkflowArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder that gets <name>/ and shared/.")
    ],
    name: Name = None,
    core: Core = None,
    gpu: GpuName = None,
    look_up: LookUp = False,
    json: Json = False,
) -> None:
    """Write the app for a workflow to a folder, and do no more.

    DIR gets the folder <name>/ with the app and the folder shared/ with the runtime that all apps use: the same files
    that `flowberth up` commits below apps/modal/. An app rendered there before is brought up to date.
    """
    from codegen.render import app_files  # noqa: PLC0415 - not for --help
    from codegen.vendored import runtime_files  # noqa: PLC0415

    plan = plan_of(read_workflow(workflow), name=name, core=core, gpu=gpu, look_up=look_up)
    app_folder = output / plan.name
    if app_folder.is_symlink() or (app_folder.exists() and not (app_folder / LOCK).is_file()):
        raise CommandError(
            f"-o {output}: {app_folder} exists and is no app of Flowberth's", hint="Choose another folder, or --name."
        )
    files = {f"{plan.name}/{path}": data for path, data in app_files(plan).items()}
    if not (output / "shared" / "VERSION").exists():
        files |= runtime_files()
    _write(output, files)

    def show(console: SafeConsole) -> None:
        console.print(f"{app_folder}: {len(files)} files written below {output}")
        for line in finding_lines(plan.findings):
            console.print(line)

    findings = [finding.model_dump(mode="json") for finding in plan.findings]
    Output(as_json=json).result(
        {"name": plan.name, "folder": str(app_folder), "files": sorted(files), "findings": findings}, show
    )


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        for path, data in sorted(files.items()):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    except OSError as error:
        raise CommandError(f"-o {folder}: cannot be written: {error.filename}: {error.strerror}") from None
