"""`flowberth adopt`: one of an app's variations becomes its default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from github_app.cli.failures import CommandError, ExitCode
from github_app.cli.options import Base, ComfyUI, Json, Keep, Offline, Repo  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output
from github_app.cli.own_app import find_app, held
from github_app.cli.up import engine_choice, own_base, report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from github_app.cli.own_app import OwnApp
    from runner.model import RunRequest
    from runner.records import RunRecord, RunRecords
    from runner.variations.files import Record

EXAMPLES = """\b
Examples:
  flowberth adopt poster 3
  flowberth adopt poster 3 --comfyui ~/ComfyUI
  flowberth adopt poster "$(flowberth vary poster steps=20,30 --json |
    jq .variations.recommendation.number)"
"""


def adopt(
    *,
    app: Annotated[str, typer.Argument(metavar="APP", help="Name of an app with a branch flowberth/APP.")],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Of a variation, as its sheet and table show it.")],
    repo: Repo = None,
    base: Base = None,
    comfyui: ComfyUI = None,
    offline: Offline = False,
    keep: Keep = False,
    json: Json = False,
) -> None:
    """Make the values of a variation the app's defaults.

    Takes them from the newest grid of `flowberth vary`, writes them into app.lock.json, which prompt and interface
    follow, and deploys, tests and commits the app; its pull request is brought up to date. Seeds have no default, and
    are not taken. If it is interrupted or killed, the same command goes on where it was.

    Limits of money and quality and the GPUs allowed are read from .github/flowberth.yml, as it is committed on the
    base branch.

    Exit code 0 means that every test passed, 1 that the run failed, 2 that there is no such variation, or that the app
    does not take its values.
    """
    from github_app.cli.progress import watcher  # noqa: PLC0415 - not for --help
    from github_app.cli.repository import choose_repository  # noqa: PLC0415
    from github_app.composition import opened_records, opened_runs  # noqa: PLC0415
    from github_app.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    out = Output(as_json=json)
    wanted = _number(number)
    engine = engine_choice(comfyui or settings.comfyui)
    repository = choose_repository(repo, settings)
    options = {"base": base or own_base(repository.checkout), "engine": engine, "keep": keep}
    found = find_app(app, repository.root, settings)
    record = _record(found)
    with opened_records(settings) as records:
        earlier = records.of_app(str(repository.root), found.name)
        begun = _begun(wanted, options, earlier, records)
        if begun is None:
            _check_newest(record, earlier)
            before = records.request(earlier[0].id) if earlier else None
            request, words = _request(wanted, record, found, repository.root, before)
            request = held(request.model_copy(update=options), out, target=settings.target)
        else:
            request, words = records.request(begun.id), (f"going on with {begun.id}, which was interrupted",)
        for line in words:
            out.note(f"{found.name}: {line}")
        with watcher(plain=json) as watching, opened_runs(settings, watching, offline=offline) as runs:
            result = runs.resume(begun.id)[0] if begun else runs.up(request)
    report(out, result)


def _number(text: str) -> int:
    from github_app.commands.adopt import Number  # noqa: PLC0415 - not for --help
    from github_app.commands.values import BadValue  # noqa: PLC0415

    try:
        return Number().read(text)
    except BadValue as error:
        raise CommandError(f"NUMBER: {text!a} {error}") from None


def _record(found: OwnApp) -> Record:
    from runner.variations.errors import BadVariation  # noqa: PLC0415 - not for --help
    from runner.variations.files import RECORD, read_record  # noqa: PLC0415

    written = found.read(RECORD)
    if written is None:
        raise CommandError(f"no grid was made of {found.name}", hint=_way_out(found.name))
    try:
        return read_record(written)
    except BadVariation as error:
        raise CommandError(f"{found.name}: {error}", hint=_way_out(found.name)) from None


def _begun(
    number: int, options: Mapping[str, object], earlier: tuple[RunRecord, ...], records: RunRecords
) -> RunRecord | None:
    """The run that the same command has begun: it may have committed already, so that nothing is left to ask for."""
    for record in earlier:
        if not record.finished:
            request = records.request(record.id)
            same = all(getattr(request, name) == value for name, value in options.items())
            if same and request.adopt is not None and request.adopt.number == number:
                return record
    return None


def _check_newest(record: Record, earlier: tuple[RunRecord, ...]) -> None:
    """Numbers are those of the newest table that people have seen here.

    Raises:
        CommandError: that one was not committed.
    """
    newest = next((run for run in earlier if run.kind == "vary"), None)
    if newest is None or newest.id == record.run or newest.created_at < record.made_at:
        return  # the last case: it was made elsewhere since
    if not newest.finished:
        raise CommandError(
            f"variations of {newest.name} are being made (run {newest.id})",
            hint="Wait for them, go on with them (`flowberth runs resume`) or end them (`flowberth runs cancel`).",
            exit_code=ExitCode.FAILED,
        )
    raise CommandError(
        f"the newest variations of {newest.name} (run {newest.id}) were not committed, so none can be adopted",
        hint=f"`flowberth runs show {newest.id}` says why. `flowberth vary` makes them again.",
    )


def _request(
    number: int, record: Record, found: OwnApp, root: Path, before: RunRequest | None
) -> tuple[RunRequest, tuple[str, ...]]:
    """What a run is asked for, and what people are told of it.

    Raises:
        CommandError: there is no such variation, or the app does not take its values.
    """
    from runner.model import RunRequest  # noqa: PLC0415 - not for --help
    from runner.variations.asking import ask_to_adopt  # noqa: PLC0415
    from runner.variations.errors import BadVariation  # noqa: PLC0415
    from runner.variations.words import adoption_words  # noqa: PLC0415

    try:
        adoption, moved = ask_to_adopt(number, record, found.read)
    except BadVariation as error:
        raise CommandError(f"NUMBER: {error}", kind="BadVariation", hint=_way_out(found.name)) from None
    request = RunRequest(
        kind="redeploy",
        repo=root,
        base="main",
        branch=found.branch,
        filename=before.filename if before else "workflow.json",
        workflow=found.workflow,
        name=found.name,
        reference=before.reference if before else None,
        adopt=adoption.request,
    )
    return request, adoption_words(adoption, moved=moved)


def _way_out(name: str) -> str:
    return f"New ones are made with: flowberth vary {name} INPUT=VALUES"
