"""Routes of the stand-in, each also below `/api`. Source: ComfyUI, server.py."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
import uuid
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from codegen.catalog import object_info
from codegen.json_values import as_list, as_object, is_list, is_object
from runner.stand_in.announce import announce
from runner.stand_in.errors import UnsafeName
from runner.stand_in.execution import Executor, Prompt
from runner.stand_in.queue import PromptQueue
from runner.stand_in.sockets import Sockets
from runner.stand_in.validation import error, validate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

    from codegen.catalog import Catalog
    from codegen.model import JsonObject
    from runner.stand_in.files import Files

MAX_UPLOAD_BYTES = 100 << 20
"""ComfyUI's own default (`--max-upload-size`)."""
MARK = (b"x-flowberth-engine", b"stand-in")
_UPLOAD_CHUNK = 1 << 20


def stand_in_app(catalog: Catalog, version: str, files: Files) -> Starlette:
    """The whole server, with a queue of its own; `version` is the core version it stands in for."""
    api = _Api(catalog, version, files)
    routes = api.routes()

    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        del app
        api.sockets.start()
        yield

    return Starlette(
        routes=[Mount("/api", routes=routes), *routes],
        lifespan=asynccontextmanager(lifespan),
        middleware=[Middleware(_Marked)],
    )


class _Marked:
    """Says in every answer what this is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], MARK]
            await send(message)

        await self._app(scope, receive, marked)


class _Api:
    def __init__(self, catalog: Catalog, version: str, files: Files) -> None:
        self._catalog = catalog
        self._version = version
        self._files = files
        self._number = 0
        self.sockets = Sockets()
        self._queue = PromptQueue(Executor(catalog, files, self.sockets.send_png), self.sockets.send)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/", self._root),
            Route("/prompt", self._queue_info),
            Route("/prompt", self._prompt, methods=["POST"]),
            Route("/queue", self._queued),
            Route("/queue", self._change_queue, methods=["POST"]),
            Route("/history", self._history),
            Route("/history", self._change_history, methods=["POST"]),
            Route("/history/{prompt_id}", self._history_of),
            Route("/interrupt", self._interrupt, methods=["POST"]),
            Route("/free", self._free, methods=["POST"]),
            Route("/view", self._view),
            Route("/upload/image", self._upload, methods=["POST"]),
            Route("/upload/mask", self._upload, methods=["POST"]),
            Route("/object_info", self._object_info),
            Route("/object_info/{class_type}", self._object_info_of),
            Route("/system_stats", self._system_stats),
            Route("/features", self._nothing),
            Route("/embeddings", self._no_list),
            Route("/extensions", self._no_list),
            WebSocketRoute("/ws", self._socket),
        ]

    async def _root(self, request: Request) -> Response:
        del request
        return PlainTextResponse("Flowberth's stand-in for ComfyUI: it has no editor, and it simulates every model.\n")

    async def _prompt(self, request: Request) -> Response:
        try:
            body = as_object(json.loads(await request.body()))
        except (ValueError, RecursionError):
            return _trouble()
        if "prompt" not in body:
            return _refusal(error("no_prompt", "No prompt provided", "No prompt provided"))
        nodes = body["prompt"]
        if not is_object(nodes):
            return _trouble()
        targets = body.get("partial_execution_targets")
        wanted = None if targets is None else {str(target) for target in as_list(targets)}
        verdict = await run_in_threadpool(validate, nodes, self._catalog, self._files, wanted)
        if verdict.error is not None:
            return _refusal(verdict.error, verdict.node_errors)
        number = self._next_number(body)
        client_id = body.get("client_id")
        prompt = Prompt(
            id=str(body.get("prompt_id") or uuid.uuid4()),
            number=number,
            nodes=nodes,
            outputs=verdict.outputs,
            client_id=str(client_id) if client_id is not None else None,
            extra_data=as_object(body.get("extra_data")) | ({} if client_id is None else {"client_id": client_id}),
        )
        self._queue.put(prompt)
        announce("got prompt")
        return JSONResponse({"prompt_id": prompt.id, "number": number, "node_errors": verdict.node_errors})

    def _next_number(self, body: JsonObject) -> float:
        given = body.get("number")
        if isinstance(given, int | float) and math.isfinite(given):
            return float(given)
        number, self._number = self._number, self._number + 1
        return -number if body.get("front") else number

    async def _queue_info(self, request: Request) -> Response:
        del request
        return JSONResponse({"exec_info": {"queue_remaining": self._queue.remaining()}})

    async def _queued(self, request: Request) -> Response:
        del request
        running, waiting = self._queue.listing()
        return JSONResponse({"queue_running": running, "queue_pending": waiting})

    async def _change_queue(self, request: Request) -> Response:
        body = await _body(request)
        if body.get("clear"):
            self._queue.delete(None)
        if is_list(ids := body.get("delete")):
            self._queue.delete({str(id_) for id_ in ids})
        return Response()

    async def _history(self, request: Request) -> Response:
        most = request.query_params.get("max_items", "")
        return JSONResponse(self._queue.history(most=int(most) if most.isdecimal() else None))

    async def _history_of(self, request: Request) -> Response:
        return JSONResponse(self._queue.history(request.path_params["prompt_id"]))

    async def _change_history(self, request: Request) -> Response:
        body = await _body(request)
        if body.get("clear"):
            self._queue.forget_history(None)
        if is_list(ids := body.get("delete")):
            self._queue.forget_history([str(id_) for id_ in ids])
        return Response()

    async def _interrupt(self, request: Request) -> Response:
        prompt_id = (await _body(request)).get("prompt_id")
        self._queue.interrupt(None if prompt_id is None else str(prompt_id))
        return Response()

    async def _free(self, request: Request) -> Response:
        if (await _body(request)).get("free_memory"):
            self._queue.free()
        return Response()

    async def _view(self, request: Request) -> Response:
        facts = request.query_params
        type_, filename = facts.get("type", "output"), facts.get("filename", "")
        try:
            self._files.path(type_, "", filename)
        except UnsafeName:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        try:
            path = self._files.path(type_, facts.get("subfolder", ""), filename)
        except UnsafeName:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        if not path.is_file():
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return FileResponse(path, filename=path.name, content_disposition_type="inline")

    async def _upload(self, request: Request) -> Response:
        async with request.form(max_part_size=MAX_UPLOAD_BYTES) as form:
            part, type_, subfolder = form.get("image"), str(form.get("type", "input")), str(form.get("subfolder", ""))
            if not isinstance(part, UploadFile) or not part.filename:
                return Response(status_code=HTTPStatus.BAD_REQUEST)
            overwrite = str(form.get("overwrite")).lower() in {"true", "1"}
            try:
                path = self._files.path(type_, subfolder, part.filename)
            except UnsafeName:
                return Response(status_code=HTTPStatus.BAD_REQUEST)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not overwrite:
                path = await run_in_threadpool(_free_path, path, part.file)
            with path.open("wb") as file:
                while piece := await part.read(_UPLOAD_CHUNK):
                    file.write(piece)
        return JSONResponse({"name": path.name, "subfolder": subfolder, "type": type_})

    async def _object_info(self, request: Request) -> Response:
        del request
        return JSONResponse(object_info(self._catalog))

    async def _object_info_of(self, request: Request) -> Response:
        class_type = request.path_params["class_type"]
        every = object_info(self._catalog) if class_type in self._catalog else {}
        return JSONResponse({class_type: every[class_type]} if every else {})

    async def _system_stats(self, request: Request) -> Response:
        del request
        system = {
            "os": sys.platform,
            "comfyui_version": self._version,
            "python_version": sys.version,
            "pytorch_version": "none",
            "embedded_python": False,
            "argv": ["runner.stand_in"],
            "flowberth_stand_in": True,
        }
        device = {"name": f"none ({platform.machine()})", "type": "cpu", "index": None, "vram_total": 0, "vram_free": 0}
        return JSONResponse({"system": system, "devices": [device]})

    async def _nothing(self, request: Request) -> Response:
        del request
        return JSONResponse({"supports_preview_metadata": False, "max_upload_size": MAX_UPLOAD_BYTES})

    async def _no_list(self, request: Request) -> Response:
        del request
        return JSONResponse([])

    async def _socket(self, socket: WebSocket) -> None:
        client_id = socket.query_params.get("clientId") or uuid.uuid4().hex
        await self.sockets.serve(socket, client_id, self._queue.status())


def _trouble() -> Response:
    """What aiohttp answers when a handler fails."""
    return PlainTextResponse("500 Internal Server Error\n\nServer got itself in trouble", status_code=500)


def _refusal(reason: JsonObject, node_errors: JsonObject | None = None) -> Response:
    return JSONResponse({"error": reason, "node_errors": node_errors or {}}, status_code=HTTPStatus.BAD_REQUEST)


async def _body(request: Request) -> JsonObject:
    try:
        return as_object(await request.json())
    except (ValueError, RecursionError):
        return {}


def _free_path(path: Path, content: BinaryIO) -> Path:
    """The path itself, or with a number, as ComfyUI names a second file of that name; the same content is no second."""
    number, free = 1, path
    digest = hashlib.sha256(content.read()).digest()
    content.seek(0)
    while free.exists() and hashlib.sha256(free.read_bytes()).digest() != digest:
        free = path.with_stem(f"{path.stem} ({number})")
        number += 1
    return free
