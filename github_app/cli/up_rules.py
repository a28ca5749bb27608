"""What a repository's `.github/flowberth.yml` means to a run on this machine, and what the command line says instead.

The rest of the file is about GitHub: environments, reviews, merges, and what people are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from github_app.cli.failures import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.lock import Gpu
    from github_app.repository_settings import RepositorySettings
    from runner.model import RunRequest

MAX_BYTES: Final = 256 * 1024
"""Of the file: four for each of the characters that are read of it."""
HINT: Final = (
    "Put it right and commit it: what is committed on the base branch counts. docs/github.md lists the settings."
)


class Wishes(NamedTuple):
    """What the command line says itself; it wins."""

    gpu: Gpu | None = None
    budget_usd: float | None = None
    target: str = "local"
    """Where this machine deploys to."""


def rules_at(root: Path, base: str) -> RepositorySettings | None:
    """The settings as they are committed on the base branch; `None` if there are none.

    Raises:
        CommandError: the file cannot be used; names every problem with its line and field, as the App does.
    """
    from github_app.repository_settings import (  # noqa: PLC0415 - not for --help
        PATH,
        InvalidRepositorySettings,
        parse_repository_settings,
    )
    from worktrees.errors import UnusableBase  # noqa: PLC0415
    from worktrees.snapshot import Snapshot  # noqa: PLC0415

    try:
        snapshot = Snapshot.at(root, f"refs/heads/{base}")
    except UnusableBase:  # the run says it, with all that can be done about it
        return None
    blobs = snapshot.named((PATH,))
    if not blobs:
        return None
    if blobs[0].size > MAX_BYTES:
        raise _refused(base, f"{PATH} has {blobs[0].size:,} bytes; at most {MAX_BYTES:,} are read")
    ((_, data),) = snapshot.contents(blobs)
    try:
        return parse_repository_settings(data)
    except InvalidRepositorySettings as error:
        raise _refused(base, "\n".join(f"{PATH}, {problem}" for problem in error.problems)) from None


def held_to(rules: RepositorySettings, request: RunRequest, wishes: Wishes) -> tuple[RunRequest, tuple[str, ...]]:
    """The request as the settings want it, and notes on where the command line wins over them.

    Raises:
        CommandError: the repository's apps are not to be where this machine deploys to, which costs money.
    """
    from github_app.repository_settings import PATH  # noqa: PLC0415 - loaded by now

    notes: list[str] = []
    if rules.target == "local" and wishes.target != "local":
        raise CommandError(
            f"{PATH} says target: local, and this machine deploys to {wishes.target}",
            hint="Call it with FLOWBERTH_TARGET=local, or change the file.",
        )
    if rules.target not in (None, wishes.target):
        notes.append(f"{PATH} says target: {rules.target}; this run stays on this machine, and costs nothing")
    gpus = rules.gpus
    if wishes.gpu is not None and gpus is not None and wishes.gpu not in gpus:
        notes.append(f"--gpu {wishes.gpu}: is none of the GPUs that {PATH} allows ({', '.join(gpus)}), and counts here")
        gpus = (*gpus, wishes.gpu)
    own = rules.budget_usd if "budget_usd" in rules.model_fields_set else None
    if wishes.budget_usd is not None and own is not None and wishes.budget_usd > own:
        notes.append(f"--budget {wishes.budget_usd:g}: is more than the {own:g} that {PATH} allows, and counts here")
    held = {
        "gpus": gpus,
        "budget_usd": own if wishes.budget_usd is None else wishes.budget_usd,
        "monthly_budget_usd": rules.monthly_budget_usd,
        "quality": rules.quality,
    }
    return request.model_copy(update=held), tuple(notes)


def _refused(base: str, problems: str) -> CommandError:
    return CommandError(
        f"the settings on {base} cannot be used:\n{problems}", kind="InvalidRepositorySettings", hint=HINT
    )
