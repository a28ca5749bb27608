"""Deployments and their states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from github_app.github.model import DeploymentInfo, DeploymentState


class Deployments(Subject):
    """What of the repository runs where."""

    def deployment(
        self, sha: str, environment: str, key: str, *, description: str = "", production: bool = False
    ) -> int:
        """Find our deployment of that commit to the environment with this key, or create it; its id."""
        raise NotImplementedError

    def deployments(self, environment: str | None = None) -> tuple[DeploymentInfo, ...]:
        """The latest hundred of ours, newest first."""
        raise NotImplementedError

    def deployment_status(
        self,
        deployment: int,
        state: DeploymentState,
        *,
        url: str | None = None,
        log_url: str | None = None,
        description: str = "",
    ) -> None:
        """Say how it is with a deployment, unless that was said last. `url`: of what serves, for its button."""
        raise NotImplementedError
