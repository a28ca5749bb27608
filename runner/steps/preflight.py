"""Look, without a GPU, whether the app could do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from codegen.catalog import load_catalog
from runner.errors import DeployFailed
from runner.failure import Failure, of_deployment, of_preflight
from runner.knowledge.definitions import facts_of_used
from runner.model import Frozen
from runner.paying import paid

if TYPE_CHECKING:
    from runner.context import RunContext


class Looked(Frozen):
    """What was seen."""

    engine_version: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    definitions: dict[str, JsonValue] = Field(default_factory=dict)
    """Of the prompt's classes that ComfyUI itself does not have, reduced to facts."""
    failure: Failure | None = None


def preflight(run: RunContext) -> Looked:
    """Boot ComfyUI with its packs in the image that was built, and let it look at the prompt."""
    run.services.target.ensure(run.spec, tell=run.tell)
    try:
        with paid(run, "preflight"):
            found = run.services.target.preflight(run.spec, tell=run.tell)
    except DeployFailed as error:
        return Looked(failure=of_deployment(error, run.attempt))
    failure = None if found.passed else of_preflight(found, run.attempt)
    run.tell(
        failure.words if failure else f"ComfyUI {found.engine_version or 'of an unknown version'} takes the prompt"
    )
    core = load_catalog(run.plan.lock.comfyui.version)
    foreign = {name: said for name, said in found.definitions.items() if name not in core}
    return Looked(
        engine_version=found.engine_version,
        versions=found.versions,
        definitions=facts_of_used(foreign, run.plan.prompt),
        failure=failure,
    )
