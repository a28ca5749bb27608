"""Jobs as JSON and as headers: the shapes that clients see. The OpenAPI document is made from these models."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from shared.jobs import JobState

if TYPE_CHECKING:
    from shared.definition import Definition
    from shared.jobs import Job
    from shared.outputs import Output


RESULT_HEADERS = {
    "X-Flowberth-Job": "The job's id.",
    "X-Flowberth-Cost-Usd": "What the job cost, as `cost.usd` in the JSON.",
    "X-Flowberth-Cost-Basis": "`estimate`: seconds measured here, times the lock's price.",
    "X-Flowberth-Gpu": "The GPU the price is for; `none` without one.",
    "X-Flowberth-Execution-Seconds": "From the job's start to its end.",
    "X-Flowberth-Cold-Start-Seconds": "The part of a start that is charged to this job.",
    "X-Flowberth-Idle-Seconds": "How long the app had stood without a job before.",
    "X-Flowberth-Seed": "The seed that was used, when the workflow has one.",
    "X-Flowberth-Engine": "`comfyui`, or `stand-in` when models are only simulated; absent when none was reached.",
}
"""What an answer with a job that has ended says beside its body, also when it is a picture or a problem."""


class HealthView(BaseModel):
    """ComfyUI answers."""

    status: Literal["ok"] = "ok"
    engine: str = Field(description="`comfyui`, or `stand-in` when models are only simulated.")
    engine_version: str
    name: str
    import_failures: list[str] = Field(description="Custom nodes that ComfyUI could not load, with the reason.")
    missing_classes: list[str] = Field(description="Node classes that the workflow needs and ComfyUI does not have.")


class StorageView(BaseModel):
    """What became of an output in the bucket."""

    key: str
    url: str | None = Field(description="Presigned: works without this app, until it expires.")
    expires_at: datetime | None
    error: str | None = Field(description="Why it is not in the bucket; `url` of the output itself still works.")


class OutputView(BaseModel):
    """One output."""

    index: int
    name: str = Field(description="The output's name in the interface; else its kind.")
    node: str
    kind: str = Field(description="image, video, audio, mesh, text or file")
    media_type: str
    filename: str
    bytes: int
    width: int | None = Field(description="Pixels, of pictures only.")
    height: int | None
    url: str = Field(description="Where the bytes are, relative to this app.")
    text: str | None = Field(default=None, description="The text itself, of texts only.")
    data: str | None = Field(
        default=None, description="Base64, when the outputs are small enough together and not in a bucket."
    )
    storage: StorageView | None = Field(description="Where it is in the bucket; null when the app has none.")


class CostView(BaseModel):
    """What the job cost."""

    usd: float = Field(description="Execution and cold start, in seconds, times the price.")
    idle_usd: float = Field(description="The idle seconds before it, times the price; not part of `usd`.")
    basis: Literal["estimate"] = "estimate"
    gpu: str | None
    usd_per_second: float
    includes_cold_start: bool = Field(
        description="The first job after a start carries the whole cold start; the others nothing of it."
    )


class SecondsView(BaseModel):
    """Where the time went."""

    execution: float
    queue: float
    cold_start: float
    idle: float = Field(description="How long the app had stood without a job when this one started.")


class ProgressView(BaseModel):
    """Where a running job is."""

    node: str | None
    title: str | None
    step: int | None
    total: int | None
    fraction: float


class LinksView(BaseModel):
    """Where to go from here, relative to this app."""

    self: str
    events: str


class JobView(BaseModel):
    """One job."""

    job: str
    state: JobState
    created_at: datetime
    position: int | None = Field(description="Jobs ahead of it, while it waits.")
    progress: ProgressView
    seed: int | None = Field(description="The seed that was used; send it to get the same result again.")
    inputs: dict[str, Any] = Field(description="Every input as it was used; files are described, not repeated.")
    engine: str | None
    outputs: list[OutputView]
    cost: CostView
    seconds: SecondsView
    problem: dict[str, Any] | None = Field(description="RFC 9457 document, when the job failed or was cancelled.")
    links: LinksView


def job_view(job: Job, definition: Definition, *, position: int | None, inline_bytes: int = 0) -> JobView:
    """The job as clients see it, with outputs as base64 when all of them together are within `inline_bytes`."""
    inline = sum(output.bytes for output in job.outputs) <= inline_bytes
    return JobView(
        job=job.id,
        state=job.state,
        created_at=job.created_at,
        position=position,
        progress=ProgressView.model_validate(job.progress, from_attributes=True),
        seed=job.seed,
        inputs=dict(job.inputs),
        engine=job.engine,
        outputs=[output_view(job, output, inline=inline) for output in job.outputs],
        cost=cost_view(job, definition),
        seconds=SecondsView(
            execution=round(job.execution_seconds, 3),
            queue=round(job.queue_seconds, 3),
            cold_start=round(job.cold_start_seconds, 3),
            idle=round(job.idle_seconds, 3),
        ),
        problem=job.problem.document(job.id) if job.problem else None,
        links=LinksView(self=f"/jobs/{job.id}", events=f"/jobs/{job.id}/events"),
    )


def output_view(job: Job, output: Output, *, inline: bool) -> OutputView:
    """One output, with its bytes when they go inline."""
    content = output.path.read_bytes() if inline else b""
    stored = output.stored
    return OutputView(
        index=output.index,
        name=output.name,
        node=output.node,
        kind=output.kind,
        media_type=output.media_type,
        filename=output.filename,
        bytes=output.bytes,
        width=output.width,
        height=output.height,
        url=f"/jobs/{job.id}/outputs/{output.index}",
        text=content.decode("utf-8", "replace") if inline and output.kind == "text" else None,
        data=base64.b64encode(content).decode("ascii") if inline and not (stored and stored.url) else None,
        storage=StorageView.model_validate(stored, from_attributes=True) if stored else None,
    )


def cost_view(job: Job, definition: Definition) -> CostView:
    """Seconds times price. The idle time before it is told beside, because no job caused it.

    Execution, cold start and idle time of all jobs add up to the time the app ran until the last of them ended.
    """
    hardware = definition.lock.hardware
    return CostView(
        usd=round((job.execution_seconds + job.cold_start_seconds) * hardware.usd_per_second, 8),
        idle_usd=round(job.idle_seconds * hardware.usd_per_second, 8),
        gpu=hardware.gpu,
        usd_per_second=hardware.usd_per_second,
        includes_cold_start=job.cold_start_seconds > 0,
    )


def result_headers(job: Job, definition: Definition) -> dict[str, str]:
    """The headers of a result: the same facts as in the JSON, for answers that are not JSON."""
    cost = cost_view(job, definition)
    headers = {
        "X-Flowberth-Job": job.id,
        "X-Flowberth-Cost-Usd": f"{cost.usd:.8f}",
        "X-Flowberth-Cost-Basis": cost.basis,
        "X-Flowberth-Gpu": cost.gpu or "none",
        "X-Flowberth-Execution-Seconds": f"{job.execution_seconds:.3f}",
        "X-Flowberth-Cold-Start-Seconds": f"{job.cold_start_seconds:.3f}",
        "X-Flowberth-Idle-Seconds": f"{job.idle_seconds:.3f}",
    }
    if job.seed is not None:
        headers["X-Flowberth-Seed"] = str(job.seed)
    if job.engine is not None:
        headers["X-Flowberth-Engine"] = job.engine
    return headers
