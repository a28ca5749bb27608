"""The HTTP process: one socket, one event loop, and workers beside it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from github_app.composition import database_of
from github_app.server.application import create_app
from github_app.server.errors import CannotServe
from github_app.server.protocol import BoundedProtocol
from github_app.server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from starlette.types import ASGIApp

    from github_app.settings import Settings

BACKLOG = 2048
SHUTDOWN_SECONDS = 10
"""For requests that were accepted to be answered; GitHub waits no longer."""
KEEP_ALIVE_SECONDS = 75
"""For a connection that says nothing. Longer than proxies reuse theirs (60 s, mostly): one that is closed just as the
next delivery is sent loses it."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound
"""What an address to listen on everywhere is called from this machine."""


@dataclass(frozen=True)
class Ready:
    """The server answers from now on."""

    url: str
    """On this machine."""
    pid: int


class HttpServer(uvicorn.Server):
    """uvicorn, but signals are ours, and somebody is told when it answers."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._listener = listener
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(address_of(self._listener))

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them to `run`."""
        yield

    def run_in_this_thread(self, serving: Coroutine[Any, Any, None]) -> None:
        """Until it has ended, in the loop that the configuration names."""
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(serving)

    async def run_until_told(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP; a second one does not wait for requests that are under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves SIGHUP
                loop.add_signal_handler(number, self._end)
        await self.serve(sockets=[self._listener])

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(settings: Settings, *, host: str, port: int, workers: int, on_ready: Callable[[Ready], None]) -> None:
    """Serve until told to end, with `workers` worker processes. For the main thread.

    Raises:
        github_app.settings.InvalidSettings: a setting of the App is missing.
        CannotServe: the address cannot be listened on.
        runner.errors.DatabaseUnavailable: Postgres cannot be reached or started.
    """
    settings.github_credentials()
    with listening(host, port) as listener, database_of(settings) as database:
        assert database.engine is not None  # opened before anybody is let in
        team = Workers(workers)
        server = http_server(
            create_app(settings, database), listener, lambda url: on_ready(Ready(url=url, pid=os.getpid()))
        )
        try:
            team.start()
            # What is there by now stays: looking through all of it for garbage holds every answer up for 100 ms.
            gc.collect()
            gc.freeze()
            server.run_in_this_thread(server.run_until_told())
        finally:
            team.stop()


def http_server(app: ASGIApp, listener: socket.socket, on_ready: Callable[[str], None]) -> HttpServer:
    """A server of `app` on a socket that listens; `on_ready` gets its URL."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would have queries in it; ours is in `manners`
        server_header=False,
        proxy_headers=False,  # nobody's address is used for anything
        http=BoundedProtocol,
        ws="none",
        loop="uvloop",  # a fifth less CPU for each delivery than with asyncio's own
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return HttpServer(config, listener, on_ready)


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """A socket that listens there.

    Raises:
        CannotServe: nobody can.
    """
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        # The protocol is said, or asyncio would not know that it may set TCP_NODELAY.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CannotServe(f"cannot listen on {host} port {port}: {why}; choose others with --host and --port") from None
    with listener:
        yield listener


def address_of(listener: socket.socket) -> str:
    """The URL at which this machine reaches it."""
    host, port = listener.getsockname()[:2]
    host = ANYWHERE.get(str(host), str(host))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def log_to_stderr() -> None:
    """One line for each request and for what goes wrong; what libraries say belongs to the log file."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name, level in (("github_app", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(handler)
        logger.propagate = False
