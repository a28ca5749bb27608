"""The HTTP contract of a generated app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from sse_starlette.sse import EventSourceResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from shared import body, metrics
from shared.admission import Admission, invalid
from shared.auth import BearerKey
from shared.comfy import engine_client
from shared.definition import runtime_version
from shared.execution import Execution
from shared.jobs import Job, Jobs
from shared.media import media_client
from shared.metrics import Metrics
from shared.negotiation import prefers_picture, quality
from shared.openapi import openapi
from shared.pages import add_pages
from shared.problems import (
    MEDIA_TYPE,
    SAFE_HEADERS,
    FieldError,
    NotAcceptable,
    NotAllowed,
    NotFound,
    Problem,
    problem_response,
)
from shared.views import HealthView, JobView, job_view, result_headers
from shared.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from shared.bucket import Bucket
    from shared.service import Service

DEFAULT_WAIT_SECONDS = 100.0
"""Below the 150 s after which Modal answers a request with a redirect."""
MAX_WAIT_SECONDS = 140.0
POLL_AGAIN_SECONDS = 2
"""Retry-After of a 202: a sensible rhythm for those who poll."""
SSE_PING_SECONDS = 15
"""Keeps proxies from closing a quiet stream."""
MAX_KEY_CHARS = 255
OUTPUT_POLICY = "default-src 'none'; sandbox"
"""For outputs, which may be anything: a browser that opens one runs nothing of it."""

Wait = Annotated[
    float,
    Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for the result before 202 is answered."),
]
Key = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_KEY_CHARS,
        description="Repeat a request with the same key and get the first one's job.",
    ),
]

Preview = Annotated[
    bool,
    Query(description="Have ComfyUI make previews, for those who follow the job's events with `preview=1`."),
]
ShowPreview = Annotated[
    bool,
    Query(description="Send `preview` events too: small pictures as data URIs, while a sampler runs."),
]
WebhookUrl = Annotated[
    str | None,
    Query(max_length=2000, description="An https URL that gets a signed POST with the job when it has ended."),
]


def web_app(service: Service) -> FastAPI:
    """The web app of a service. Its lifespan owns the HTTP clients, the queue and the folder of files."""
    api = _Api(service)
    definition = service.definition
    app = FastAPI(
        title=definition.name, version=runtime_version(), lifespan=api.lifespan, docs_url=None, redoc_url=None
    )
    add = app.add_api_route
    add("/", api.root, tags=["app"], summary="What this app is", response_description="Name, versions, hashes, links")
    add("/health", api.health, tags=["app"], summary="Whether ComfyUI answers", response_model=HealthView)
    add("/schema", api.schema, tags=["app"], summary="JSON Schema of the inputs", response_description="interface.json")
    add("/metrics", api.metrics, tags=["app"], summary="Counts for Prometheus", response_description="Text format")
    add("/generate", api.generate, methods=["POST"], tags=["jobs"], summary="Run the workflow", response_model=JobView)
    add(
        "/jobs/{job_id}", api.job, tags=["jobs"], summary="State, progress and outputs of a job", response_model=JobView
    )
    add(
        "/jobs/{job_id}",
        api.cancel,
        methods=["DELETE"],
        tags=["jobs"],
        summary="Cancel a job",
        response_model=JobView,
        responses={202: {"model": JobView, "description": "ComfyUI was asked to stop"}},
    )
    add("/jobs/{job_id}/events", api.events, tags=["jobs"], summary="Follow a job by server-sent events")
    add("/jobs/{job_id}/outputs/{index}", api.output, tags=["jobs"], summary="The bytes of one output; ranges work")
    add_pages(app)
    if service.settings.api_key:
        app.add_middleware(BearerKey, key=service.settings.api_key, health_open=service.settings.health_open)
    app.openapi = lambda: openapi(app, definition)  # FastAPI's own extension point
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    return app


class _Api:
    """The routes. What they share is made by `lifespan`, in the event loop that serves them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._definition = service.definition
        self._settings = service.settings
        self._latest: tuple[str, int, str] | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncGenerator[None]:
        del app
        service = self._service
        async with contextlib.AsyncExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(
                    prefix="flowberth-", dir=self._settings.work_dir, ignore_cleanup_errors=True
                )
            )
            engine_http = await stack.enter_async_context(engine_client())
            self._outside = service.media_transport()
            outside_http = await stack.enter_async_context(media_client(self._outside))
            self._metrics = Metrics()
            self._webhooks = Webhooks(outside_http, self._settings.webhook_secret or "")
            stack.push_async_callback(self._webhooks.close)
            self._execution = Execution(
                self._definition,
                service.engine,
                engine_http,
                cold_start_seconds=service.cold_start_seconds,
                bucket=self._bucket(),
                partner_key=self._settings.partner_key,
            )
            self._jobs = Jobs(
                self._execution.run, limit=self._settings.queue_limit, on_end=self._ended, idle_since=service.ready_at
            )
            self._admission = Admission(self._definition, self._jobs, outside_http, Path(folder))
            worker = asyncio.create_task(self._jobs.work())
            try:
                yield
            finally:
                worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await worker
                self._jobs.end_waiting()

    def _bucket(self) -> Bucket | None:
        if self._settings.bucket is None:
            return None
        from shared.bucket import Bucket  # noqa: PLC0415 - its library takes as long to import as all the others

        return Bucket(self._settings.bucket, self._definition.name)

    async def root(self) -> dict[str, Any]:
        definition = self._definition
        return {
            "name": definition.name,
            "runtime": runtime_version(),
            "comfyui": definition.lock.comfyui.version,
            "workflow_sha256": definition.workflow_sha256,
            "lock_sha256": definition.lock_sha256,
            "links": {
                "health": "/health",
                "schema": "/schema",
                "openapi": "/openapi.json",
                "docs": "/docs",
                "playground": "/playground",
                "metrics": "/metrics",
                "generate": "/generate",
            },
        }

    async def health(self) -> HealthView:
        try:
            facts = await self._execution.facts()
            missing = await self._execution.missing_classes()
        except Problem as problem:
            if self._settings.api_key and self._settings.health_open:
                problem.log = ()  # what ComfyUI printed is not for everybody
            raise
        return HealthView(
            engine=facts.engine,
            engine_version=facts.version,
            name=self._definition.name,
            import_failures=list(self._service.engine.log.import_failures()),
            missing_classes=missing,
        )

    async def schema(self) -> Response:
        return Response(
            json.dumps(self._definition.interface), media_type="application/schema+json", headers=SAFE_HEADERS
        )

    async def metrics(self) -> Response:
        status = self._service.engine.status()
        page = self._metrics.render(
            waiting=len(self._jobs), engine_ready=status.state == "ready", engine_starts=status.generation
        )
        return Response(page, media_type=metrics.MEDIA_TYPE)

    async def generate(
        self,
        request: Request,
        wait: Wait = DEFAULT_WAIT_SECONDS,
        webhook_url: WebhookUrl = None,
        preview: Preview = False,  # noqa: FBT002 - a query parameter
        idempotency_key: Key = None,
    ) -> Response:
        if webhook_url is not None:
            await self._check_webhook(webhook_url)
        try:
            submission = await body.read(request, self._definition, limit=self._settings.body_bytes)
            job = await self._jobs.once(
                idempotency_key,
                f"{submission.fingerprint} {webhook_url}",
                lambda: self._admission.admit(submission, webhook_url, previews=preview),
            )
        finally:
            form = request.scope.get("flowberth.form")
            if isinstance(form, FormData):
                await form.close()
        if not await job.wait(wait):
            headers = {"Location": f"/jobs/{job.id}", "Retry-After": str(POLL_AGAIN_SECONDS), "X-Flowberth-Job": job.id}
            return JSONResponse(self._view(job), status_code=202, headers=headers)
        headers = result_headers(job, self._definition)
        if job.problem is not None:
            return problem_response(job.problem, job=job.id, headers=headers)
        accept = request.headers.get("accept", "")
        if prefers_picture(accept):
            return self._picture(job, accept, headers)
        return JSONResponse(self._view(job, inline_bytes=self._settings.inline_bytes), headers=headers)

    async def job(self, job_id: str) -> Response:
        return JSONResponse(self._view(self._jobs.get(job_id)), headers={"Cache-Control": "no-store"})

    async def cancel(self, job_id: str) -> Response:
        job = self._jobs.get(job_id)
        self._jobs.cancel(job)
        return JSONResponse(self._view(job), status_code=200 if job.has_ended else 202)

    async def events(self, job_id: str, preview: ShowPreview = False) -> Response:  # noqa: FBT002 - a query parameter
        job = self._jobs.get(job_id)
        job.wants_previews = job.wants_previews or preview

        async def stream() -> AsyncIterator[dict[str, str]]:
            told, shown = -1, None
            async for _ in job.changes():
                if preview and job.preview not in {None, shown}:
                    shown = job.preview
                    yield {"event": "preview", "data": json.dumps({"job": job.id, "image": shown})}
                if job.revision != told:
                    told = job.revision
                    yield {"event": "done" if job.has_ended else job.state, "data": self._rendered(job)}

        return EventSourceResponse(stream(), ping=SSE_PING_SECONDS)

    async def output(self, job_id: str, index: int) -> Response:
        job = self._jobs.get(job_id)
        output = next((output for output in job.outputs if output.index == index), None)
        if output is None:
            raise NotFound("This job has no such output.")
        return FileResponse(
            output.path,
            media_type=output.media_type,
            filename=output.filename,
            content_disposition_type="inline",
            headers=SAFE_HEADERS | {"Content-Security-Policy": OUTPUT_POLICY},
        )

    def _rendered(self, job: Job) -> str:
        """The view as JSON, made once per change: a thousand listeners get the same text."""
        if self._latest is None or self._latest[:2] != (job.id, job.revision):
            self._latest = (job.id, job.revision, json.dumps(self._view(job)))
        return self._latest[2]

    def _ended(self, job: Job) -> None:
        self._metrics.count(job)
        if job.webhook_url is not None:
            self._webhooks.send(job.webhook_url, job.id, self._view(job))

    async def _check_webhook(self, url: str) -> None:
        fault = None
        if self._settings.webhook_secret is None:
            fault = "is not available: this app has no webhook secret"
        else:
            try:
                await self._outside.check(httpx.URL(url))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                fault = f"cannot be used: {error}"
        if fault is not None:
            raise invalid([FieldError(field="webhook_url", message=fault)])

    def _picture(self, job: Job, accept: str, headers: dict[str, str]) -> Response:
        pictures = [output for output in job.outputs if output.kind == "image"]
        if len(pictures) == 1 and quality(accept, pictures[0].media_type) > 0:
            return FileResponse(
                pictures[0].path,
                media_type=pictures[0].media_type,
                headers=SAFE_HEADERS | {"Content-Security-Policy": OUTPUT_POLICY} | headers,
            )
        found = f"one of {pictures[0].media_type}" if len(pictures) == 1 else f"{len(pictures)} pictures"
        problem = NotAcceptable(f"The job made {found}; Accept asks for one picture of another kind or number.")
        return problem_response(problem, job=job.id, headers=headers)

    def _view(self, job: Job, *, inline_bytes: int = -1) -> dict[str, Any]:
        view = job_view(job, self._definition, position=self._jobs.position(job), inline_bytes=inline_bytes)
        return view.model_dump(mode="json")


async def _problem(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, Problem)
    return problem_response(error)


async def _bad_parameters(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    return problem_response(
        invalid([FieldError(field=str(fault["loc"][-1]), message=fault["msg"]) for fault in error.errors()])
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem_response(
            NotAllowed(f"{request.method} is not answered here."), headers=dict(error.headers or {})
        )
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(NotFound("This app has no such page."))
    problem = Problem(str(error.detail))
    document = problem.document() | {"status": error.status_code}
    return JSONResponse(document, status_code=error.status_code, media_type=MEDIA_TYPE)


async def _unexpected(request: Request, error: Exception) -> Response:
    del request, error  # the server logs it; the caller gets no word of it
    return problem_response(Problem("The app could not answer this request."))
