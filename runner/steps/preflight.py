"""Look, without a GPU, whether the app could do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from runner.errors import DeployFailed
from runner.failure import Failure, of_deployment, of_preflight
from runner.model import Frozen
from runner.paying import paid

if TYPE_CHECKING:
    from runner.context import RunContext


class Looked(Frozen):
    """What was seen."""

    engine_version: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    failure: Failure | None = None


def preflight(run: RunContext) -> Looked:
    """Boot ComfyUI with its packs in the image that was built, and let it look at the prompt."""
    run.services.target.ensure(run.spec, tell=run.tell)
    try:
        with paid(run, "preflight"):
            found = run.services.target.preflight(run.spec, tell=run.tell)
    except DeployFailed as error:
        return Looked(failure=of_deployment(error, run.attempt))
    if not found.passed:
        failure = of_preflight(found, run.attempt)
        run.tell(failure.words)
        return Looked(engine_version=found.engine_version, versions=found.versions, failure=failure)
    run.tell(f"ComfyUI {found.engine_version or 'of an unknown version'} takes the prompt")
    return Looked(engine_version=found.engine_version, versions=found.versions)
