"""Reads the body of POST /generate: JSON, a URL-encoded form, or multipart with files; never more than the limit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.inputs import from_text, parse_json
from shared.problems import FieldError, InvalidInput, MalformedBody, TooLarge, UnsupportedBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import Message, Receive

    from shared.definition import Definition

CHUNK_BYTES = 1 << 20
MAX_PARTS = 200
"""Of a form. No interface has that many inputs."""


@dataclass(frozen=True)
class Submission:
    """What a request asks for, not yet validated."""

    values: Mapping[str, Any]
    files: Mapping[str, UploadFile]
    """Uploaded parts by input. They are closed with the request."""
    fingerprint: str
    """The same for the same request: what an Idempotency-Key is held against."""


async def read(request: Request, definition: Definition, *, limit: int) -> Submission:
    """Read the body, at most `limit` bytes of it.

    Raises:
        MalformedBody, UnsupportedBody, TooLarge, InvalidInput: it cannot be read.
    """
    bounded = Request(request.scope, _bounded(request, limit))
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return await _read_form(bounded, request, definition, limit)
    if content_type == "application/json" or content_type.endswith("+json") or not content_type:
        data = await bounded.body()
        values = parse_json(data) if data.strip() else {}
        return Submission(values, {}, _fingerprint(values, {}))
    raise UnsupportedBody("The Content-Type must be application/json or multipart/form-data.")


async def chunks(file: UploadFile) -> AsyncIterator[bytes]:
    """The content of an uploaded part."""
    await file.seek(0)
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk


async def _read_form(bounded: Request, request: Request, definition: Definition, limit: int) -> Submission:
    try:
        form = await bounded.form(max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=limit)
    except HTTPException as error:
        raise MalformedBody(f"The form cannot be read: {error.detail}") from None
    request.scope["flowberth.form"] = form  # closed by the route, when the job has its copies
    repeated = sorted({name for name, _ in form.multi_items() if len(form.getlist(name)) > 1})
    if repeated:
        raise InvalidInput(
            "Some inputs are given more than once.",
            errors=[FieldError(field=name, message="is given more than once") for name in repeated],
        )
    files = {name: value for name, value in form.items() if isinstance(value, UploadFile)}
    values = {name: from_text(definition, name, value) for name, value in form.items() if isinstance(value, str)}
    digests: dict[str, str] = {}
    for name, file in files.items():
        digest = hashlib.sha256()
        async for chunk in chunks(file):
            digest.update(chunk)
        digests[name] = digest.hexdigest()
    return Submission(values, files, _fingerprint(values, digests))


def _bounded(request: Request, limit: int) -> Receive:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise TooLarge(f"The body is larger than {limit:,} bytes.")
        return message

    return receive


def _fingerprint(values: Mapping[str, Any], digests: Mapping[str, str]) -> str:
    try:
        canonical = json.dumps([values, digests], sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
