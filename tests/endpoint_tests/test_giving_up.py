"""Calls that take long: what is waited for, what is cancelled, and what is said of what may go on."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runner.endpoint_tests.endpoint import Endpoint
from runner.endpoint_tests.errors import CheckFailed, MayGoOn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

JOB = "/jobs/1"
Reply = tuple[int, dict[str, str], Any]


class App(ThreadingHTTPServer):
    """Answers as the test says, and notes what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, reply: Callable[[App, str], Reply | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.asked: list[str] = []
        self.closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: App

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = f"{self.command} {self.path}"
        self.server.asked.append(request)
        reply = self.server.reply(self.server, request)
        if reply is None:
            self.server.closing.wait()
            return
        status, headers, document = reply
        data = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        pass


@contextmanager
def app(reply: Callable[[App, str], Reply | None]) -> Generator[tuple[App, Endpoint]]:
    server = App(reply)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with Endpoint(f"http://127.0.0.1:{server.server_address[1]}", lambda _: None, {}) as endpoint:
            yield server, endpoint
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def endless(server: App, request: str) -> Reply:
    """A job that runs until it is cancelled."""
    if request.startswith("POST"):
        return 202, {"Location": JOB}, {}
    state = "cancelled" if f"DELETE {JOB}" in server.asked else "running"
    return 200, {}, {"state": state}


def test_a_job_that_takes_too_long_is_cancelled_and_has_ended_then() -> None:
    with app(endless) as (server, endpoint), pytest.raises(CheckFailed, match="did not end within 0 s") as raised:
        endpoint.generate({}, within=0.4)
    assert not isinstance(raised.value, MayGoOn)
    assert server.asked[-1] == f"DELETE {JOB}"


def test_a_job_that_cannot_be_cancelled_may_go_on() -> None:
    def stubborn(server: App, request: str) -> Reply:
        return (500, {}, "out of order") if request.startswith("DELETE") else endless(server, request)

    with app(stubborn) as (_, endpoint), pytest.raises(MayGoOn, match="cancelling it failed"):
        endpoint.generate({}, within=0.4)


def test_a_job_that_is_lost_sight_of_is_cancelled() -> None:
    def lost(server: App, request: str) -> Reply:
        is_look = request.startswith("GET") and f"DELETE {JOB}" not in server.asked
        return (502, {}, {}) if is_look else endless(server, request)

    with app(lost) as (server, endpoint), pytest.raises(CheckFailed, match="502") as raised:
        endpoint.generate({}, within=5)
    assert not isinstance(raised.value, MayGoOn)
    assert server.asked[-1] == f"DELETE {JOB}"


def test_a_call_without_an_answer_may_go_on() -> None:
    with app(lambda *_: None) as (_, endpoint), pytest.raises(MayGoOn, match="not answered in time"):
        endpoint.generate({}, within=0.4)


def test_a_slow_start_is_waited_for_where_the_platform_sends_us() -> None:
    def slow(server: App, request: str) -> Reply:
        if len(server.asked) <= 2:
            return 303, {"Location": f"/generate?call={len(server.asked)}"}, {}
        return 422, {}, {"title": f"answered {request}"}

    with app(slow) as (server, endpoint), pytest.raises(CheckFailed, match=r"answered GET /generate\?call=2"):
        endpoint.generate({}, within=5)
    assert [asked.partition("?")[0] for asked in server.asked] == ["POST /generate", "GET /generate", "GET /generate"]


@pytest.mark.parametrize("location", ["https://elsewhere.test/generate", "//elsewhere.test/x", "http://[", ""])
def test_nobody_else_is_asked(location: str) -> None:
    def away(_: App, request: str) -> Reply:
        return (303, {"Location": location}, {}) if request.startswith("POST") else (404, {}, {})

    with app(away) as (_, endpoint), pytest.raises(CheckFailed, match=r"no address|404"):
        endpoint.generate({}, within=5)
