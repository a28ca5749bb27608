"""Where in a workspace an app is, or may go: never where a stranger's is."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.targets.modal import names
from runner.targets.modal.errors import ModalRefused
from worktrees.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from runner.protocols import DeploymentSpec
    from runner.targets.modal.workspace import DeployedApp, Workspace

LOOK_SECONDS = 1.0
"""Between two tries to have a name, which another deployment may hold for minutes."""


def app_of(spec: DeploymentSpec) -> str:
    """The name that the spec's app wants."""
    return spec.app or names.app_name(spec.name, environment=spec.environment)


def tags_of(spec: DeploymentSpec) -> dict[str, str]:
    """What its deployment is found by."""
    lane = spec.tags or names.lane_tags(str(spec.folder), spec.name, environment=spec.environment)
    return {**lane, names.RUN: spec.run_id, names.ATTEMPT: str(spec.attempt)}


def is_of(app: DeployedApp, spec: DeploymentSpec) -> bool:
    """Whether it is what this spec means, and not an older or a newer version of it.

    The number of the pull request is not asked for: a run may have deployed before there was one.
    """
    wanted = tags_of(spec)
    return app.is_deployed and all(app.tags.get(key) == wanted[key] for key in names.DEPLOYMENT)


def place(workspace: Workspace, wanted: str, tags: Mapping[str, str]) -> tuple[str, DeployedApp | None]:
    """The name for an app, and what is deployed there now, which is the same app.

    Raises:
        ModalRefused: strangers have every name.
    """
    free: list[str] = []
    candidates = (wanted, names.name_apart(wanted, tags))
    for name in candidates:
        found = workspace.find(name)
        if found is None or not found.is_deployed:
            free.append(name)
        elif names.same_lane(found.tags, tags):
            return name, found
    if not free:
        raise ModalRefused(
            f"the Modal workspace has apps called {' and '.join(candidates)} that are not this repository's; "
            "stop them, or give this app another name"
        )
    return free[0], None


@contextmanager
def alone(path: Path, tell: Callable[[str], None]) -> Generator[None]:
    """Two apps that want one name find out one after the other whose it is. What `tell` raises ends the waiting."""
    lock = FileLock(path)
    while True:
        with lock.if_free() as held:
            if held:
                yield
                return
        tell("waiting for another app of that name, which is being deployed")
        time.sleep(LOOK_SECONDS)
