"""Errors that reach the caller, as RFC 9457 problem documents.

`str(problem)` is its detail: one or two sentences, fit for people, without a stack trace and without a path of the
machine. Each kind has its own `type` URI, so that a program can tell them apart without reading prose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPE_BASE = "https://flowberth.dev/problems/"
MEDIA_TYPE = "application/problem+json"


SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class FieldError(BaseModel):
    """One fault of one input."""

    model_config = ConfigDict(frozen=True)

    field: str
    """Name of the input; `""` for the body as a whole."""
    message: str


class Problem(Exception):  # noqa: N818 - reads as the sentence that is shown
    """Base of the kinds below. A job that failed holds one; a request that failed raises one."""

    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something broke in this app"
    status: ClassVar[int] = 500
    default_hint: ClassVar[str | None] = "The app's log has the details."

    def __init__(
        self,
        detail: str,
        *,
        hint: str | None = None,
        errors: Sequence[FieldError] = (),
        log: Sequence[str] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.hint = hint or self.default_hint
        self.errors = tuple(errors)
        self.log = tuple(log)
        self.retry_after = retry_after
        """Seconds after which the same request may do better."""

    def document(self, job: str | None = None) -> dict[str, Any]:
        """The problem as it goes over the wire; `job` is the id of the job that failed with it."""
        extra = {
            "hint": self.hint,
            "errors": [error.model_dump() for error in self.errors],
            "log": list(self.log),
            "job": job,
        }
        return {
            "type": TYPE_BASE + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": str(self),
            **{key: value for key, value in extra.items() if value},
        }


class MalformedBody(Problem):
    """The body cannot be read at all."""

    kind = "malformed-body"
    title = "The request body cannot be read"
    status = 400
    default_hint = (
        "Send a JSON object, or multipart/form-data with one part per input. GET /schema describes the inputs."
    )


class UnsupportedBody(Problem):
    """A Content-Type that is not JSON and not a form."""

    kind = "unsupported-body"
    title = "This kind of request body is not accepted"
    status = 415
    default_hint = MalformedBody.default_hint


class TooLarge(Problem):
    """More bytes than the app takes."""

    kind = "too-large"
    title = "The request is too large"
    status = 413
    default_hint = "Pass large media as https URLs, or send smaller ones."


class InvalidInput(Problem):
    """Inputs that `interface.json` or ComfyUI itself refuses; `errors` names every one."""

    kind = "invalid-input"
    title = "Some inputs are not valid"
    status = 422
    default_hint = "GET /schema describes every input, with its bounds and its default."


class KeyReused(Problem):
    """One Idempotency-Key, two different requests."""

    kind = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"
    status = 422
    default_hint = "Use a new key for every new request; repeat a key only to repeat the same request."


class Unauthorized(Problem):
    """No bearer key, or not the right one."""

    kind = "unauthorized"
    title = "A key is needed"
    status = 401
    default_hint = "Send the app's key as `Authorization: Bearer …`."


class NotFound(Problem):
    """No such page, job or output."""

    kind = "not-found"
    title = "There is nothing here"
    status = 404
    default_hint = "GET / lists what this app answers. Jobs are kept for a while only, and only where they ran."


class NotAllowed(Problem):
    """The path exists, the method does not."""

    kind = "method-not-allowed"
    title = "This path does not answer that method"
    status = 405
    default_hint = "GET /docs lists every path with its methods."


class NotAcceptable(Problem):
    """Accept asks for a picture where there is not exactly one."""

    kind = "not-acceptable"
    title = "The result cannot be given in the form asked for"
    status = 406
    default_hint = "Ask for application/json; the job's outputs are kept and can be fetched one by one."


class QueueFull(Problem):
    """As many jobs wait as may wait."""

    kind = "queue-full"
    title = "Too many jobs are waiting"
    status = 429
    default_hint = "Try again after the seconds named in Retry-After."


class Cancelled(Problem):
    """Somebody cancelled the job."""

    kind = "cancelled"
    title = "The job was cancelled"
    status = 409
    default_hint = None


class NodeError(Problem):
    """A node of the workflow failed."""

    kind = "node-error"
    title = "A node of the workflow failed"
    status = 500
    default_hint = "The same inputs will most likely fail again: look at the node that is named."


class OutOfMemory(Problem):
    """The GPU, or the machine, ran out of memory."""

    kind = "out-of-memory"
    title = "Out of memory"
    status = 500
    default_hint = "Ask for a smaller picture, fewer frames or a smaller batch; or deploy on a GPU with more memory."


class MissingModel(Problem):
    """A model file that the workflow names is not there."""

    kind = "missing-model"
    title = "A model file is missing"
    status = 500
    default_hint = "Add the file to `models` in app.lock.json and deploy again."


class EngineDown(Problem):
    """ComfyUI does not run or does not answer."""

    kind = "engine-down"
    title = "ComfyUI is not running"
    status = 503
    default_hint = "It is being restarted: try again in a moment."


class EngineDied(Problem):
    """ComfyUI's process ended while it ran the job."""

    kind = "engine-died"
    title = "ComfyUI ended while it ran the job"
    status = 500
    default_hint = (
        "It is being restarted. If the same inputs end it again, the machine most likely lacks memory: "
        "ask for less, or raise `hardware.memory_mib` in app.lock.json."
    )


class TimedOut(Problem):
    """The job took longer than the lock allows."""

    kind = "timeout"
    title = "The job took too long"
    status = 504
    default_hint = "Ask for less, or raise `timeouts.execution_seconds` in app.lock.json."


def every_problem() -> list[type[Problem]]:
    """All kinds, for the reference."""
    return [Problem, *Problem.__subclasses__()]


def problem_response(problem: Problem, *, job: str | None = None, headers: dict[str, str] | None = None) -> Response:
    """A problem as an HTTP answer."""
    extra = dict(headers or {})
    if problem.retry_after is not None:
        extra["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, Unauthorized):
        extra["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem.document(job), status_code=problem.status, media_type=MEDIA_TYPE, headers=SAFE_HEADERS | extra
    )
