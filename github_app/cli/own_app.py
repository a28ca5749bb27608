"""An app as it is committed on Flowberth's own branch for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.cli.failures import CommandError
from github_app.cli.up import OWN_BRANCHES

if TYPE_CHECKING:
    from codegen.model import AppName
    from github_app.cli.output import Output
    from github_app.settings import Settings
    from runner.model import RunRequest
    from worktrees.mirror import Mirror


@dataclass(frozen=True)
class OwnApp:
    """An app, at the commit that its branch has now."""

    name: AppName
    branch: str
    commit: str
    workflow: bytes
    mirror: Mirror

    def read(self, file: str) -> bytes | None:
        """A file of the app's folder, by its name there."""
        return self.mirror.read(self.commit, f"apps/modal/{self.name}/{file}")


def held(request: RunRequest, out: Output, *, target: str) -> RunRequest:
    """The request below the limits of the repository's settings, if it has any.

    Raises:
        CommandError: the settings cannot be used, or do not want a run on this target.
    """
    from github_app.cli.up_rules import Wishes, held_to, rules_at  # noqa: PLC0415 - not for --help

    assert isinstance(request.repo, Path)
    rules = rules_at(request.repo, request.base)
    if rules is None:
        return request
    request, notes = held_to(rules, request, Wishes(target=target))
    for note in notes:
        out.note(note)
    return request


def find_app(app: str, root: Path, settings: Settings) -> OwnApp:
    """The app of that name in the repository at `root`.

    Raises:
        CommandError: there is none on a branch of its own.
        codegen.errors.InvalidName: no app is called so.
    """
    from codegen.naming import app_name  # noqa: PLC0415 - not for --help
    from worktrees.mirror import Mirror  # noqa: PLC0415

    name = app_name(app)
    mirror = Mirror(settings.data_dir, root)
    branch = f"{OWN_BRANCHES}{name}"
    mirror.fetch(branch)
    commit = mirror.tip(branch)
    workflow = mirror.read(commit, f"apps/modal/{name}/workflow.json") if commit else None
    if commit is None or workflow is None:
        raise CommandError(
            f"there is no app {name} on a branch {branch}",
            hint="Make it with: flowberth up WORKFLOW. `flowberth pr list` shows those there are.",
        )
    return OwnApp(name, branch, commit, workflow, mirror)
