"""The event loop of the stand-in, in a thread, with its gRPC server and its HTTP servers."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import grpclib.server
from aiohttp import web

from tests.modal.dispatch import Details, servicer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.modal.bed import ModalBed

T = TypeVar("T")
LARGEST_BODY = 1 << 31
START_SECONDS = 10
END_SECONDS = 10


def listener() -> socket.socket:
    """On a free port. Told to be TCP: only then asyncio sets TCP_NODELAY, without which an answer waits for 40 ms."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.bind(("127.0.0.1", 0))
    return opened


def url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


class Serving:
    """`start` and `stop` from any thread but its own."""

    def __init__(self, bed: ModalBed) -> None:
        self._bed = bed
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="modal", daemon=True)
        self._grpc, self._http = listener(), listener()
        self.url, self.http_url = url(self._grpc), url(self._http)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(START_SECONDS), "the stand-in for Modal did not start"

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(END_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """In the loop, from the loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """In the loop, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)

    async def _serve(self) -> None:
        self.loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        http = web.Application(client_max_size=LARGEST_BODY)
        http.add_routes(self._bed.routes())
        plain = web.AppRunner(http, access_log=None)
        doors = web.ServerRunner(
            web.Server(self._bed.front_door, request_factory=_large, handler_cancellation=True, access_log=None)
        )
        grpc = grpclib.server.Server([servicer(self._bed)], status_details_codec=Details())
        await plain.setup()
        await doors.setup()
        await web.SockSite(plain, self._http).start()
        await grpc.start(sock=self._grpc)
        self.doors = doors
        self._started.set()
        await self._ended.wait()
        await self._end_containers()
        grpc.close()
        await asyncio.gather(plain.cleanup(), doors.cleanup())
        await grpc.wait_closed()

    async def _end_containers(self) -> None:
        for container in list(self._bed.containers.values()):
            container.kill("the stand-in has ended")
        if self._bed.lives:
            await asyncio.wait(self._bed.lives, timeout=END_SECONDS / 2)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _large(*parts: Any) -> web.BaseRequest:
    """A request whose body may be large; aiohttp's own limit is a megabyte."""
    return web.BaseRequest(*parts, loop=asyncio.get_running_loop(), client_max_size=LARGEST_BODY)
