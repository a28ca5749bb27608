"""One call of an app that somebody has changed by hand, over HTTP: a lie costs its cell, never the run."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runner.endpoint_tests.endpoint import Endpoint
from runner.endpoint_tests.quality import Wanted
from runner.variations.calling import Called, call_cell
from runner.variations.making import Made
from runner.variations.model import Cell
from tests.runner.variations.apps import INTERFACE, PROMPT

if TYPE_CHECKING:
    from collections.abc import Generator

CELL = Cell(number=3, inputs={"steps": 20})
OUTPUT = {"name": "text", "kind": "text", "url": "/out", "filename": "a.txt", "media_type": "text/plain", "bytes": 5}
JOB: dict[str, Any] = {
    "job": "1",
    "state": "succeeded",
    "seed": 1,
    "outputs": [OUTPUT],
    "cost": {"usd": 0.1, "usd_per_second": 0.001, "basis": "estimate", "gpu": None},
    "seconds": {"execution": 2.0, "cold_start": 0.0},
}


@contextmanager
def app_that_answers(job: object, output: bytes, status: int = 200) -> Generator[Called]:
    class App(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.say(json.dumps(job).encode())

        def do_GET(self) -> None:
            self.say(output)

        def say(self, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as overridden
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with Endpoint(f"http://127.0.0.1:{server.server_port}", lambda _: None, {}) as endpoint:
            yield Called(endpoint, INTERFACE, Wanted(prompt=PROMPT), within=60)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def called(job: object, output: bytes = b"a fox", status: int = 200) -> Made:
    with app_that_answers(job, output, status) as app:
        made = call_cell(app, CELL, key="k")
    assert Made.model_validate_json(json.dumps(made.model_dump(mode="json"))) == made  # as it is put on record
    return made


def test_what_the_app_says_of_itself_is_taken_over() -> None:
    made = called(JOB)
    result = made.result
    assert (result.state, result.seconds, result.usd, result.seed) == ("made", 2.0, 0.002, 1)
    assert made.picture is not None


@pytest.mark.parametrize(
    ("seconds", "rate", "seed"),
    [(1e308, 1e308, 2**70), (-5.0, -1.0, -1), (1e-320, 1e-320, 10**400)],
    ids=["large", "negative", "small"],
)
def test_numbers_that_cannot_be_are_bounded(seconds: float, rate: float, seed: int) -> None:
    cost, took = JOB["cost"] | {"usd_per_second": rate}, JOB["seconds"] | {"execution": seconds}
    result = called(JOB | {"cost": cost, "seconds": took, "seed": seed}).result
    assert result.state == "made"
    assert 0 <= result.seconds <= 60
    assert 0 <= result.usd <= 60
    assert result.seed is None


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (None, 200),
        (JOB | {"seconds": {"execution": "long", "cold_start": 0.0}}, 200),
        (JOB | {"outputs": ()}, 200),
        (JOB | {"outputs": [OUTPUT | {"url": "//elsewhere/out"}]}, 200),
        (JOB | {"outputs": [OUTPUT | {"url": "/\ud800"}]}, 200),
        (JOB | {"outputs": [OUTPUT | {"url": "/" + "a" * 70_000}]}, 200),
        (JOB | {"outputs": [OUTPUT | {"url": "/\x00\n"}]}, 200),
        (JOB | {"state": "\ud800\x00\x1b[31m"}, 200),
        ({"title": "half \udfff a pair\x00", "detail": "\u202e| ![x](y) @all <!channel> " * 200}, 500),
    ],
    ids=[
        "no object",
        "words for seconds",
        "nothing",
        "elsewhere",
        "half an address",
        "a long address",
        "no address",
        "half a state",
        "half an error",
    ],
)
def test_an_answer_that_is_none_fails_its_cell_with_words_that_can_be_stored(job: object, status: int) -> None:
    result = called(job, status=status).result
    assert result.state == "failed"
    assert result.reason
    assert result.reason.encode().isascii() or result.reason.isprintable()
    assert len(result.reason) <= 300
    assert "\x00" not in result.reason


def test_names_that_nobody_can_store_stay_behind() -> None:
    made = called(JOB | {"outputs": [OUTPUT | {"name": "\ud800\x00", "filename": "\udfff"}]}, output=b"a" * 5)
    assert made.result.state == "made"
    assert (made.result.flaw or "").isprintable()


def test_what_cannot_be_looked_at_is_made_and_paid_for_all_the_same() -> None:
    targets = {"x-flowberth": {"kind": "integer", "targets": [["2"]]}}
    odd = INTERFACE | {"properties": INTERFACE["properties"] | {"steps": targets}}
    with app_that_answers(JOB, b"a fox") as app:
        made = call_cell(app._replace(interface=odd), CELL, key="k")
    assert (made.result.state, made.result.usd, made.result.score, made.picture) == ("made", 0.002, None, None)
