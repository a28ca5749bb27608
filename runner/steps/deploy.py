"""Bring the app up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import NotAllowed

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.protocols import Deployment


def deploy(run: RunContext) -> Deployment:
    """Find or make the deployment.

    Raises:
        DeployFailed: it did not come up.
        NotAllowed: the repository does not want its GPU.
    """
    gpu, allowed = run.plan.lock.hardware.gpu, run.request.gpus
    if gpu is not None and allowed is not None and gpu not in allowed:
        raise NotAllowed(
            f"the app needs {gpu}, and the repository's settings allow {', '.join(allowed)}; "
            "add it to `gpus` in .github/flowberth.yml, or ask for another with /deploy --gpu"
        )
    run.tell(f"starting on the {run.services.target.name} target")
    return run.services.target.ensure(run.spec)
