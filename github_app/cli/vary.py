"""`flowberth vary`: an app called with every combination of some values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli.failures import CommandError
from github_app.cli.options import Base, ComfyUI, Json, Keep, Repo  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output
from github_app.cli.own_app import find_app, held
from github_app.cli.up import engine_choice, exit_code, own_base

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.model import AppName
    from github_app.settings import Settings
    from runner.model import RunRequest

EXAMPLES = """\b
Examples:
  flowberth vary poster seed=1..4 steps=20,30
  flowberth vary poster cfg=5..7:0.5 'prompt="a cat","a dog, asleep"'
  flowberth vary poster seed=1..4 --json | jq .variations.recommendation
"""


def vary(
    *,
    app: Annotated[str, typer.Argument(metavar="APP", help="Name of an app with a branch flowberth/APP.")],
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT=VALUES...",
            help="Values to try: a list (20,30), a range (1..4), one with a step (5..7:0.5), texts in quotes.",
        ),
    ],
    repo: Repo = None,
    base: Base = None,
    comfyui: ComfyUI = None,
    keep: Keep = False,
    json: Json = False,
) -> None:
    """Call an app with every combination of some values, side by side on one sheet.

    Deploys what is committed on the branch of the app's pull request, says what the calls will take, makes them, and
    commits a contact sheet and variations.json. If it is interrupted or killed, the same command goes on where it was.

    Limits of money and quality are read from .github/flowberth.yml, as it is committed on the base branch.

    Exit code 0 means that there are variations, 1 that the run failed or ran out of budget, 2 that the values cannot
    be used.
    """
    from github_app.cli.progress import watcher  # noqa: PLC0415 - not for --help
    from github_app.cli.repository import choose_repository  # noqa: PLC0415
    from github_app.cli.summary import show_result  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415
    from runner.model import steps_of  # noqa: PLC0415

    settings = load_settings()
    out = Output(as_json=json)
    repository = choose_repository(repo, settings)
    request, name = _request(app, " ".join(values), repository.root, settings)
    request = request.model_copy(
        update={
            "base": base or own_base(repository.checkout),
            "engine": engine_choice(comfyui or settings.comfyui),
            "keep": keep,
        }
    )
    request = held(request, out, target=settings.target)
    out.note(f"{name}: {_expected(request, costs=settings.target == 'modal')}")
    from github_app.composition import opened_runs  # noqa: PLC0415 - slow, so only once the request is known to be good

    with (
        watcher(plain=json, steps=steps_of("vary", drafts=False)) as watching,
        opened_runs(settings, watching) as runs,
    ):
        result = runs.up(request)
    out.result(result.model_dump(mode="json"), lambda console: show_result(console, result))
    if code := exit_code(result):
        raise typer.Exit(code)


def _request(app: str, values: str, root: Path, settings: Settings) -> tuple[RunRequest, AppName]:
    """What a run is asked for, of what is committed on the app's branch.

    Raises:
        CommandError: there is no such app, or it cannot be varied so.
    """
    from runner.budget.limits import DEFAULT_RUN_USD  # noqa: PLC0415 - not for --help
    from runner.model import RunRequest  # noqa: PLC0415
    from runner.variations.asking import ask_for  # noqa: PLC0415
    from runner.variations.errors import BadVariation  # noqa: PLC0415
    from runner.variations.grammar import read_wishes  # noqa: PLC0415

    found = find_app(app, root, settings)
    limit = DEFAULT_RUN_USD if settings.run_budget_usd is None else settings.run_budget_usd
    try:
        asked = ask_for(read_wishes(values), found.read, budget_usd=float(limit), costs=settings.target == "modal")
    except BadVariation as error:
        raise CommandError(str(error), kind="BadVariation", hint=_hint(error)) from None
    request = RunRequest(
        kind="vary",
        repo=root,
        base="main",
        branch=found.branch,
        filename="workflow.json",
        workflow=found.workflow,
        name=found.name,
        vary=asked,
    )
    return request, found.name


def _hint(error: Exception) -> str | None:
    suggestion = getattr(error, "suggestion", None)
    return f"Did you mean {suggestion}?" if suggestion else None


def _expected(request: RunRequest, *, costs: bool) -> str:
    from runner.variations.words import estimate_words, grid_words  # noqa: PLC0415 - not for --help

    assert request.vary is not None
    return f"{grid_words(request.vary.grid)}, {estimate_words(request.vary.estimate, costs=costs)}"
