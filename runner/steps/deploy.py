"""Bring the app up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.protocols import Deployment


def deploy(run: RunContext) -> Deployment:
    """Find or make the deployment.

    Raises:
        DeployFailed: it did not come up.
    """
    run.tell(f"starting on the {run.services.target.name} target")
    return run.services.target.ensure(run.spec)
