"""`flowberth up`: from a workflow to a pull request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli.analyze import plan_of
from github_app.cli.failures import CommandError, ExitCode
from github_app.cli.options import Base, ComfyUI, Core, GpuName, Json, Keep, Name, Offline, Repo, WorkflowArgument  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output
from github_app.cli.workflow_file import MAX_BYTES, read_file, read_workflow

if TYPE_CHECKING:
    from runner.model import EngineChoice, RunResult

OWN_BRANCHES = "flowberth/"
URL_SCHEMES = ("http://", "https://")
PICTURES = "Give a PNG, JPEG or WebP picture of at most 25 MiB."

EXAMPLES = """\b
Examples:
  flowberth up examples/poster.json
  flowberth up poster.json --repo ~/code/site --base main
  flowberth up poster.json --comfyui http://127.0.0.1:8188
  flowberth up poster.json --reference wanted.png
  flowberth up poster.json --keep               leave it serving
  flowberth up poster.json --json | jq .pr.number
"""


def up(
    *,
    workflow: WorkflowArgument,
    repo: Repo = None,
    base: Base = None,
    name: Name = None,
    core: Core = None,
    gpu: GpuName = None,
    comfyui: ComfyUI = None,
    offline: Offline = False,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="PICTURE", help="A picture that the result should look like: PNG, JPEG or WebP."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="USD", help="The most that the run may spend, in US dollars; the local target is free."),
    ] = None,
    keep: Keep = False,
    json: Json = False,
) -> None:
    """Make a workflow a tested endpoint, by pull request.

    Generates the app, serves and tests it on this machine, and opens a pull request with the results. Works on a
    branch and in a worktree of its own; your checkout is not touched. Outside a repository, a demonstration repository
    is made. If it is interrupted or killed, the same command goes on where it was.

    Limits of money and quality and the GPUs allowed are read from .github/flowberth.yml, as it is committed on the
    base branch; options win.

    Exit code 0 means that every test passed, 1 that the run failed, 2 that the file or an option cannot be used.
    """
    from github_app.cli.progress import watcher  # noqa: PLC0415 - not for --help
    from github_app.cli.repository import choose_repository  # noqa: PLC0415
    from github_app.cli.up_rules import Wishes, held_to, rules_at  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from runner.model import RunRequest  # noqa: PLC0415

    settings = load_settings()
    out = Output(as_json=json)
    file = read_workflow(workflow)
    look = None if reference is None else small_reference(reference)
    check_budget(budget)
    engine = engine_choice(comfyui or settings.comfyui)
    plan = plan_of(file, name=name, core=core, gpu=gpu)  # refuses what cannot become a run before anything is made
    repository = choose_repository(repo, settings)
    if repository.is_demo:
        out.note(f"This folder is in no git repository: using the demonstration repository {repository.root}")
    request = RunRequest(
        repo=repository.root,
        base=base or own_base(repository.checkout),
        filename=file.filename,
        workflow=file.data,
        name=name,
        core=core,
        gpu=plan.lock.hardware.gpu if gpu else None,
        budget_usd=budget,
        engine=engine,
        reference=look,
        keep=keep,
    )
    rules = rules_at(repository.root, request.base)
    if rules is not None:
        wishes = Wishes(gpu=request.gpu, budget_usd=budget, target=settings.target)
        request, notes = held_to(rules, request, wishes)
        for note in notes:
            out.note(note)
    from github_app.composition import opened_runs  # noqa: PLC0415 - slow, so only once the request is known to be good

    with watcher(plain=json) as watching, opened_runs(settings, watching, offline=offline) as runs:
        result = runs.up(request)
    report(out, result)


def check_budget(budget: float | None) -> None:
    """Let amounts of money pass.

    Raises:
        CommandError: it is none, or larger than anybody means.
    """
    from github_app.commands.values import MAX_BUDGET_USD  # noqa: PLC0415 - not for --help

    if budget is not None and not 0 < budget <= MAX_BUDGET_USD:  # NaN is none either
        raise CommandError(f"--budget {budget:g}: must be more than 0, and at most {MAX_BUDGET_USD} US dollars")


def small_reference(path: Path) -> bytes:
    """What is kept of the picture that the result should look like: small, and nothing but pixels.

    Raises:
        CommandError: it is missing, or no picture that can be shown.
    """
    from github_app.submissions.picture import small_picture  # noqa: PLC0415 - not for --help
    from github_app.submissions.refusal import Refusal  # noqa: PLC0415

    data = read_file(path, limit=MAX_BYTES, hint=PICTURES)
    try:
        return small_picture(data)
    except Refusal as error:
        raise CommandError(f"--reference {path}: {error}", hint=PICTURES) from None


def own_base(checkout: Path) -> str:
    """The branch checked out, if a pull request can be for it.

    Raises:
        CommandError: it is one that Flowberth makes itself.
        worktrees.errors.UnusableBase: there is none.
    """
    from worktrees.repository import current_base  # noqa: PLC0415 - not for --help

    branch = current_base(checkout)
    if branch.startswith(OWN_BRANCHES):
        raise CommandError(
            f"{branch} is checked out, which is a branch of Flowberth's own",
            hint="Say what the pull request is for, such as --base main.",
        )
    return branch


def report(out: Output, result: RunResult) -> None:
    """Print how a run ended, and leave with its exit code.

    Raises:
        typer.Exit: unless every test passed.
    """
    from github_app.cli.summary import show_result  # noqa: PLC0415 - not for --help

    out.result(result.model_dump(mode="json"), lambda console: show_result(console, result))
    if code := exit_code(result):
        raise typer.Exit(code)


def exit_code(result: RunResult) -> ExitCode:
    """What a run's end means to a script."""
    from runner.runs import INTERRUPTED  # noqa: PLC0415 - loaded by now

    if result.state == "succeeded":
        return ExitCode.OK
    return ExitCode.INTERRUPTED if result.reason == INTERRUPTED else ExitCode.FAILED


def engine_choice(comfyui: str | None) -> EngineChoice:
    """What `--comfyui` means.

    Raises:
        CommandError: it is neither a URL nor the folder of a ComfyUI.
    """
    from runner.model import EngineChoice  # noqa: PLC0415

    if comfyui is None:
        return EngineChoice()
    if comfyui.startswith(URL_SCHEMES):
        return EngineChoice(url=comfyui.rstrip("/"))
    folder = Path(comfyui).expanduser().absolute()
    if not (folder / "main.py").is_file():
        raise CommandError(
            f"--comfyui {comfyui}: is neither a URL nor the folder of a ComfyUI checkout (it has no main.py)",
            hint="Give the URL of a running one, such as http://127.0.0.1:8188, or the folder that holds its main.py.",
        )
    return EngineChoice(path=folder)
