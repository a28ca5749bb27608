"""The forge's HTTP server, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp

START_SECONDS = 10
END_SECONDS = 10
LAST_ANSWERS_SECONDS = 1


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


class Serving:
    """On a free port of this machine, which is known before it is entered."""

    def __init__(self, application: ASGIApp) -> None:
        # Told to be TCP: only then asyncio sets TCP_NODELAY, without which an answer waits 40 ms for an acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(2048)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        quiet = {"lifespan": "off", "log_level": "warning", "access_log": False, "ws": "none"}
        self._server = _Server(uvicorn.Config(application, timeout_graceful_shutdown=LAST_ANSWERS_SECONDS, **quiet))
        self._thread = threading.Thread(target=self._run, name="forge", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._server.listens.wait(START_SECONDS), "the forge did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(END_SECONDS)
        self._socket.close()
