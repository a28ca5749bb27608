"""Who listens at `/ws`, and what is sent to whom."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from codegen.model import JsonObject

PREVIEW_IMAGE, FORMAT_PNG = 1, 2
"""`BinaryEventTypes.PREVIEW_IMAGE`, and the number of its encoding."""
MAX_UNSENT = 10_000
"""Messages kept for a listener that does not read; then the oldest go."""


class Sockets:
    """The listeners by client id; a client that connects again takes its place over."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsent: dict[str, asyncio.Queue[str | bytes]] = {}

    def start(self) -> None:
        """Called in the event loop that serves."""
        self._loop = asyncio.get_running_loop()

    def send(self, client_id: str | None, event: str, data: JsonObject) -> None:
        """From any thread; to everybody if `client_id` is `None`."""
        self._post(json.dumps({"type": event, "data": data}), client_id)

    def send_png(self, client_id: str | None, picture: bytes) -> None:
        """A binary frame, as `server.py` packs a preview."""
        self._post(struct.pack(">II", PREVIEW_IMAGE, FORMAT_PNG) + picture, client_id)

    def _post(self, message: str | bytes, client_id: str | None) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, message, client_id)

    def _put(self, message: str | bytes, client_id: str | None) -> None:
        found = list(self._unsent.values()) if client_id is None else [self._unsent.get(client_id)]
        for queue in found:
            if queue is None:
                continue
            if queue.qsize() >= MAX_UNSENT:
                queue.get_nowait()
            queue.put_nowait(message)

    async def serve(self, socket: WebSocket, client_id: str, status: JsonObject) -> None:
        """Until the client goes away."""
        await socket.accept()
        queue = self._unsent[client_id] = asyncio.Queue()
        first = {"type": "status", "data": {**status, "sid": client_id}}
        await socket.send_text(json.dumps(first))
        sending = asyncio.create_task(_forward(queue, socket))
        try:
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass  # what clients say (their feature flags) changes nothing here
        finally:
            sending.cancel()
            if self._unsent.get(client_id) is queue:
                del self._unsent[client_id]


async def _forward(queue: asyncio.Queue[str | bytes], socket: WebSocket) -> None:
    while True:
        message = await queue.get()
        if isinstance(message, str):
            await socket.send_text(message)
        else:
            await socket.send_bytes(message)
