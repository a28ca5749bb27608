"""Which repository a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.cli.failures import CommandError

if TYPE_CHECKING:
    from github_app.settings import Settings

DEMO = "demo"
"""The demonstration repository's folder inside the data folder."""


@dataclass(frozen=True)
class Choice:
    """A repository, and whether it is the demonstration one that stands in where there is none."""

    root: Path
    checkout: Path
    """Where the person is: the root, or a linked worktree of it. Its branch is what pull requests are for."""
    is_demo: bool = False


def choose_repository(given: Path | None, settings: Settings) -> Choice:
    """The repository `given`, or the one of the current folder, or else the demonstration repository (made if needed).

    Raises:
        CommandError: `given` is no folder.
        worktrees.errors.NotARepository: `given` is in no repository.
    """
    from worktrees.errors import NotARepository  # noqa: PLC0415 - not for --help
    from worktrees.repository import create_demo_repository, find_repository  # noqa: PLC0415

    if given is not None:
        if not given.is_dir():
            raise CommandError(f"--repo {given}: there is no such folder", hint="Name the folder of a git repository.")
        return _choice(find_repository(given), given)
    try:
        return _choice(find_repository(Path.cwd()), Path.cwd())
    except NotARepository:
        demo = create_demo_repository(settings.data_dir / DEMO)
        return Choice(demo, demo, is_demo=True)


def _choice(root: Path, checkout: Path) -> Choice:
    try:
        str(root).encode()
    except UnicodeEncodeError:
        shown = ascii(str(root))[1:-1]
        raise CommandError(
            f"{shown}: the name of the folder is not UTF-8", hint="Rename it, or work in a clone elsewhere."
        ) from None
    return Choice(root, checkout)
