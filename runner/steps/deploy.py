"""Bring the app up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import DeployFailed, NotAllowed
from runner.failure import Failure, of_deployment
from runner.model import Frozen
from runner.paying import paid
from runner.protocols import Deployment

if TYPE_CHECKING:
    from runner.context import RunContext


class Deployed(Frozen):
    """What is there, or why nothing is."""

    deployment: Deployment | None = None
    failure: Failure | None = None


def deploy(run: RunContext) -> Deployed:
    """Find or make the deployment.

    Raises:
        NotAllowed: the repository does not want its GPU.
    """
    gpu, allowed = run.plan.lock.hardware.gpu, run.request.gpus
    if gpu is not None and allowed is not None and gpu not in allowed:
        raise NotAllowed(
            f"the app needs {gpu}, and the repository's settings allow {', '.join(allowed)}; "
            "add it to `gpus` in .github/flowberth.yml, or ask for another with /deploy --gpu"
        )
    run.tell(f"starting on the {run.services.target.name} target")
    try:
        with paid(run, "build"):
            return Deployed(deployment=run.services.target.ensure(run.spec, tell=run.tell))
    except DeployFailed as error:
        run.tell(str(error))
        return Deployed(failure=of_deployment(error, run.attempt))
