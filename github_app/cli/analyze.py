"""`flowberth analyze`: what would be made of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.cli.failures import CommandError
from github_app.cli.options import GPUS, Core, GpuName, Json, Name, WorkflowArgument
from github_app.cli.output import Output
from github_app.cli.workflow_file import read_workflow

if TYPE_CHECKING:
    from codegen.plan import Plan
    from github_app.cli.workflow_file import WorkflowFile

EXAMPLES = """\b
Examples:
  flowberth analyze examples/poster.json
  flowberth analyze picture.png --gpu L4
  flowberth analyze poster.json --json | jq .interface
"""


def analyze(
    *, workflow: WorkflowArgument, name: Name = None, core: Core = None, gpu: GpuName = None, json: Json = False
) -> None:
    """Say what would be made of a workflow, and make nothing.

    Shows the ComfyUI version, hardware and price, the inputs and outputs of the endpoint, the models it needs, and
    what deserves a second look.
    """
    from github_app.cli.plan_view import plan_json, show_plan  # noqa: PLC0415 - not for --help

    plan = plan_of(read_workflow(workflow), name=name, core=core, gpu=gpu)
    Output(as_json=json).result(plan_json(plan), lambda console: show_plan(console, plan))


def plan_of(file: WorkflowFile, *, name: str | None, core: str | None, gpu: str | None) -> Plan:
    """The plan for a file.

    Raises:
        CommandError: there is no such GPU.
        codegen.errors.CodegenError: the file is no usable workflow, or the name or version cannot be used.
    """
    from codegen.parse import parse_workflow  # noqa: PLC0415 - not for --help
    from codegen.plan import make_plan  # noqa: PLC0415

    if gpu is not None and gpu not in GPUS:
        raise CommandError(f"--gpu {gpu}: Modal has no such GPU", hint=f"It is one of {', '.join(GPUS)}.")
    workflow = parse_workflow(file.data, filename=file.filename)
    return make_plan(workflow, filename=file.filename, name=name, core=core, gpu=gpu)
