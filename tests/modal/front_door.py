"""Web functions by HTTP: a port for each, behind which a container is started, asked, and waited for, as Modal's proxy does."""

from __future__ import annotations

import asyncio
import hmac
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from modal_proto import api_pb2

from tests.modal.invocation import Invocation
from tests.modal.world import new_id

if TYPE_CHECKING:
    from tests.modal.bed import ModalBed
    from tests.modal.world import Function, Workspace

CALL_ID = "__modal_function_call_id"
INLINE_BYTES = 1 << 21
"""What is larger goes as a blob."""
NOT_FORWARDED = {"modal-key", "modal-secret"}
NOT_ANSWERED = {b"content-length", b"transfer-encoding", b"connection"}


@dataclass
class Door:
    """Where a host name is reached here."""

    workspace: Workspace
    host: str
    url: str
    function: Function | None = None
    """None: its app was stopped."""
    method: str = ""


async def pass_through(bed: ModalBed, door: Door, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a request that has come to a door."""
    function = door.function
    if function is None or function.published is None or not door.workspace.apps[function.app_id].is_deployed:
        return _refused(404, "app for invoked web endpoint is stopped")
    refusal = _unauthorized(door, function, request)
    if refusal is not None:
        return refusal
    known = bed.invocations.get(request.query.get(CALL_ID, ""))
    if known is not None and known.function is function:
        return await _answer(bed, known, request, door)
    invocation = Invocation(function, _input(door, request))
    body = await request.read()
    invocation.send(_chunk(bed, api_pb2.Asgi(http_request=api_pb2.Asgi.HttpRequest(body=body))))
    bed.submit(door.workspace, invocation)
    return await _answer(bed, invocation, request, door)


def _refused(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=f"modal-http: {why}\n")


def _unauthorized(door: Door, function: Function, request: web.BaseRequest) -> web.Response | None:
    data = function.data
    webhook = data.method_definitions[door.method].webhook_config if door.method else data.webhook_config
    if not webhook.requires_proxy_auth:
        return None
    key, secret = request.headers.get("Modal-Key"), request.headers.get("Modal-Secret")
    if not key or not secret:
        return _refused(401, "missing credentials for proxy authorization")
    if not hmac.compare_digest(door.workspace.proxy_tokens.get(key, "").encode(), secret.encode()):
        return _refused(401, "invalid credentials for proxy authorization")
    return None


def _input(door: Door, request: web.BaseRequest) -> api_pb2.FunctionInput:
    headers = [(name.lower(), value) for name, value in request.raw_headers]
    client = request.transport.get_extra_info("peername") if request.transport else ("127.0.0.1", 0)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.rel_url.raw_path.encode(),
        "query_string": request.rel_url.raw_query_string.encode(),
        "headers": [(name, value) for name, value in headers if name.decode("latin-1") not in NOT_FORWARDED],
        "client": client,
        "server": ("127.0.0.1", 80),
    }
    return api_pb2.FunctionInput(
        args=pickle.dumps(((scope,), {})), data_format=api_pb2.DATA_FORMAT_PICKLE, method_name=door.method
    )


def _chunk(bed: ModalBed, message: api_pb2.Asgi) -> api_pb2.DataChunk:
    chunk = api_pb2.DataChunk(data_format=api_pb2.DATA_FORMAT_ASGI)
    content = message.SerializeToString()
    if len(content) > INLINE_BYTES:
        chunk.data_blob_id = new_id("bl")
        bed.blobs.write(chunk.data_blob_id, content)
    else:
        chunk.data = content
    return chunk


async def _answer(bed: ModalBed, invocation: Invocation, request: web.BaseRequest, door: Door) -> web.StreamResponse:
    try:
        return await _forward(bed, invocation, request)
    except TimeoutError:
        place = request.rel_url.update_query({CALL_ID: invocation.id})
        return web.Response(status=303, headers={"Location": f"{door.url}{place}"})
    except asyncio.CancelledError:
        invocation.send(_chunk(bed, api_pb2.Asgi(http_disconnect=api_pb2.Asgi.HttpDisconnect())))
        raise


async def _forward(bed: ModalBed, invocation: Invocation, request: web.BaseRequest) -> web.StreamResponse:
    """What the app answers, as it comes.

    Raises:
        TimeoutError: it has not begun within the time that a request may take.
    """
    response: web.StreamResponse | None = None
    ends = asyncio.get_running_loop().time() + bed.request_seconds
    while True:
        left = ends - asyncio.get_running_loop().time()
        chunk = await _next(invocation, None if response is not None else max(left, 0))
        if chunk is None:
            break
        message = api_pb2.Asgi.FromString(bed.blobs.read(chunk.data_blob_id) if chunk.data_blob_id else chunk.data)
        if message.HasField("http_response_start"):
            response = _begun(message.http_response_start)
            await response.prepare(request)
        elif message.HasField("http_response_body") and response is not None and message.http_response_body.body:
            await response.write(message.http_response_body.body)
    if response is None:
        result = invocation.output.result().result
        return _refused(500, f"internal error: status {_status(result)}: {result.exception}")
    await response.write_eof()
    return response


async def _next(invocation: Invocation, seconds: float | None) -> api_pb2.DataChunk | None:
    """None: there is no more."""
    if invocation.data_out.empty():
        get = asyncio.ensure_future(invocation.data_out.get())
        try:
            done, _ = await asyncio.wait([get, invocation.output], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimeoutError
            return get.result() if get.done() else None
        finally:
            get.cancel()
    return invocation.data_out.get_nowait()


def _begun(start: api_pb2.Asgi.HttpResponseStart) -> web.StreamResponse:
    response = web.StreamResponse(status=start.status)
    pairs = zip(start.headers[::2], start.headers[1::2], strict=True)
    for name, value in pairs:
        if name.lower() not in NOT_ANSWERED:
            response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
    return response


def _status(result: api_pb2.GenericResult) -> str:
    name = api_pb2.GenericResult.GenericStatus.Name(result.status)
    return name.removeprefix("GENERIC_STATUS_").capitalize()
