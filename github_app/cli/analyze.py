"""`flowberth analyze`: what would be made of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.cli.failures import CommandError
from github_app.cli.options import GPUS, Core, GpuName, Json, LookUp, Name, WorkflowArgument
from github_app.cli.output import Output
from github_app.cli.workflow_file import read_workflow

if TYPE_CHECKING:
    from codegen.facts import Facts
    from codegen.plan import Plan
    from github_app.cli.workflow_file import WorkflowFile

EXAMPLES = """\b
Examples:
  flowberth analyze examples/poster.json
  flowberth analyze picture.png --gpu L4
  flowberth analyze poster.json --look-up       with sizes, licences and commits
  flowberth analyze poster.json --json | jq .interface
"""


def analyze(
    *,
    workflow: WorkflowArgument,
    name: Name = None,
    core: Core = None,
    gpu: GpuName = None,
    look_up: LookUp = False,
    json: Json = False,
) -> None:
    """Say what would be made of a workflow, and make nothing.

    Shows the ComfyUI version, hardware and price, the inputs and outputs of the endpoint, the models it needs, and
    what deserves a second look.
    """
    from github_app.cli.plan_view import plan_json, show_plan  # noqa: PLC0415 - not for --help

    plan = plan_of(read_workflow(workflow), name=name, core=core, gpu=gpu, look_up=look_up)
    Output(as_json=json).result(plan_json(plan), lambda console: show_plan(console, plan))


def plan_of(file: WorkflowFile, *, name: str | None, core: str | None, gpu: str | None, look_up: bool = False) -> Plan:
    """The plan for a file, with what can be looked up about it if that is wished.

    Raises:
        CommandError: there is no such GPU.
        codegen.errors.CodegenError: the file is no usable workflow, or the name or version cannot be used.
    """
    from codegen.facts import NOTHING_LOOKED_UP, gather  # noqa: PLC0415 - not for --help
    from codegen.parse import parse_workflow  # noqa: PLC0415 - not for --help
    from codegen.plan import make_plan  # noqa: PLC0415

    if gpu is not None and gpu not in GPUS:
        raise CommandError(f"--gpu {gpu}: Modal has no such GPU", hint=f"It is one of {', '.join(GPUS)}.")
    workflow = parse_workflow(file.data, filename=file.filename)

    def planned(facts: Facts = NOTHING_LOOKED_UP) -> Plan:
        return make_plan(workflow, filename=file.filename, name=name, core=core, gpu=gpu, facts=facts)

    if not look_up:
        return planned()
    from github_app.composition import lookups_of  # noqa: PLC0415 - only when the network is wished for
    from github_app.settings import load_settings  # noqa: PLC0415

    return planned(gather(lookups_of(load_settings()), lambda facts: planned(facts).wanted))
