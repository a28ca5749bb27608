"""What arrives over the wire when it is not as GitHub, or HTTP, has it. Nobody else notices any of it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from github_app.server import webhooks
from github_app.server.protocol import MAX_HEAD_BYTES
from runner.database import Database
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import PAYLOAD, GitHub, guid, headers, until
from tests.github_app.server.test_serving import LOCK, is_waiting

POST = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n"


class Wire:
    """Bytes over a socket."""

    def __init__(self, github: GitHub) -> None:
        address = urlsplit(github.url)
        assert address.hostname
        self.socket = socket.create_connection((address.hostname, address.port or 80), timeout=30)

    def sends(self, *pieces: bytes) -> None:
        self.socket.sendall(b"".join(pieces))

    def hears(self, end: bytes = b"\r\n\r\n") -> bytes:
        """Up to the end of an answer's head, or all until the other side hangs up."""
        heard = b""
        while not heard.endswith(end) and (piece := self.socket.recv(4096)):
            heard += piece
        return heard

    def is_hung_up_on(self) -> bool:
        try:
            return self.socket.recv(4096) == b""
        except ConnectionError:
            return True


@pytest.fixture
def wire(github: GitHub) -> Iterator[Wire]:
    client = Wire(github)
    yield client
    client.socket.close()


def lines(said: dict[str, str] | None = None, **more: str) -> bytes:
    """GitHub's headers as they are sent, and others, without the empty line."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return "".join(f"{name}: {value}\r\n" for name, value in {**(said or headers()), **named}.items()).encode()


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}extra\r\n0\r\n\r\n", b"fffffffffffffffff\r\n{}"],
    ids=["no number", "negative", "longer than it says", "too long for a number"],
)
def test_chunks_that_are_none_end_the_connection(wire: Wire, github: GitHub, rows: Rows, body: bytes) -> None:
    wire.sends(POST, lines(transfer_encoding="chunked"), b"\r\n", body)
    assert wire.hears(b"!").startswith(b"HTTP/1.1 400 ")
    assert rows.all() == []
    assert github.sends().status_code == 202


@pytest.mark.parametrize(
    "length",
    [
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Content-Length: 2\r\nContent-Length: 100\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
    ],
    ids=["negative", "no integer", "two", "two kinds", "more than fits"],
)
def test_of_a_body_whose_length_is_in_doubt_nothing_is_taken(
    wire: Wire, github: GitHub, rows: Rows, length: bytes
) -> None:
    wire.sends(POST, lines(), length, b"\r\n", PAYLOAD)
    assert wire.hears(b"!").startswith(b"HTTP/1.1 400 ")
    assert rows.all() == []
    assert github.sends().status_code == 202


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-GitHub-Event", "ïssues".encode()),
        (b"X-GitHub-Event", b"\xff\xfe"),
        (b"X-GitHub-Event", b"i" * 65),
        (
            b"X-GitHub-Delivery",
            "72d3162e-cc78-11e3-81ab-4c9367dc0958".replace("-", "\N{FULLWIDTH HYPHEN-MINUS}").encode(),
        ),
        (b"Content-Type", b"application/json\xff"),
    ],
)
def test_headers_of_strange_bytes_are_refused(wire: Wire, rows: Rows, name: bytes, value: bytes) -> None:
    said = headers()
    del said[name.decode().lower()]
    wire.sends(POST, lines(said), name, b": ", value, b"\r\n", b"Content-Length: %d\r\n\r\n" % len(PAYLOAD), PAYLOAD)
    assert wire.hears(b"}").split(b" ", 2)[1] in {b"400", b"415"}
    assert rows.all() == []


@pytest.mark.parametrize("piece", [b"x" * 65536, b"X-More: x\r\n" * 6000], ids=["one", "many"])
def test_headers_without_end_are_not_collected(wire: Wire, github: GitHub, piece: bytes) -> None:
    wire.sends(POST, b"X-Long: ")
    sent = 0
    with suppress(ConnectionError):  # hung up on while it was sending
        while sent < 64 * MAX_HEAD_BYTES:
            wire.sends(piece)
            sent += len(piece)
    assert sent < 64 * MAX_HEAD_BYTES
    assert github.sends().status_code == 202


def test_long_headers_are_refused_with_words(wire: Wire, rows: Rows) -> None:
    wire.sends(POST, b"X-Long: ", b"x" * (MAX_HEAD_BYTES - 1000))
    wire.sends(b"x" * 1001)
    assert wire.hears(b"large.").startswith(b"HTTP/1.1 400 ")
    assert wire.is_hung_up_on()
    assert rows.all() == []


def test_many_deliveries_over_one_connection_are_no_long_headers(wire: Wire, rows: Rows) -> None:
    body = b'{"x":"' + b"x" * (MAX_HEAD_BYTES // 4) + b'"}'
    for _ in range(6):
        said = lines(headers(body), content_length=str(len(body)))
        wire.sends(POST, said[:40])
        wire.sends(said[40:], b"\r\n", body)
        assert wire.hears().startswith(b"HTTP/1.1 202 ")
    assert len(rows.all()) == 6


def test_how_headers_are_written_does_not_matter(wire: Wire, rows: Rows) -> None:
    said = {name.upper(): f"   {value}\t " for name, value in headers().items()}
    wire.sends(POST, lines(said), b"cOnTeNt-LeNgTh:%d\r\n\r\n" % len(PAYLOAD), PAYLOAD)
    assert wire.hears().startswith(b"HTTP/1.1 202 ")
    assert rows.one().payload == PAYLOAD


def test_a_client_that_asks_first_is_told_to_go_on(wire: Wire, rows: Rows) -> None:
    wire.sends(POST, lines(expect="100-continue", content_length=str(len(PAYLOAD))), b"\r\n")
    assert wire.hears() == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sends(PAYLOAD)
    assert wire.hears().startswith(b"HTTP/1.1 202 ")
    assert rows.one().payload == PAYLOAD


def test_two_deliveries_in_one_breath_are_both_taken(wire: Wire, rows: Rows) -> None:
    guids = [guid(), guid()]
    length = str(len(PAYLOAD))
    wire.sends(
        *(
            POST + lines(headers(x_github_delivery=one), content_length=length) + b"\r\n" + PAYLOAD
            for one in guids
        )
    )  # fmt: skip
    heard = b""
    while heard.count(b"\r\n\r\n") < 2:
        heard += wire.socket.recv(4096)
    assert heard.count(b"HTTP/1.1 202 ") == 2
    assert sorted(rows.guids()) == sorted(guids)


def test_a_body_in_drops_is_not_waited_for_however_often_one_comes(
    wire: Wire, github: GitHub, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "RECEIVE_SECONDS", 0.5)
    wire.sends(POST, lines(content_length=str(len(PAYLOAD))), b"\r\n")
    answered = threading.Event()

    def drip() -> None:
        for number in range(len(PAYLOAD) - 1):
            if answered.wait(0.02):
                break
            try:
                wire.sends(PAYLOAD[number : number + 1])
            except OSError:
                break

    began = time.monotonic()
    thread = threading.Thread(target=drip)
    thread.start()
    assert github.sends().status_code == 202  # others are served meanwhile
    assert wire.hears(b"}").startswith(b"HTTP/1.1 408 ")
    answered.set()
    thread.join()
    assert time.monotonic() - began < len(PAYLOAD) * 0.02
    assert wire.is_hung_up_on()
    assert len(rows.all()) == 1


def test_a_client_that_goes_away_before_it_is_answered_has_delivered(
    wire: Wire, github: GitHub, database: Database, rows: Rows
) -> None:
    said = headers()
    with database.engine.connect() as slow:
        slow.execute(LOCK)
        wire.sends(POST, lines(said, content_length=str(len(PAYLOAD))), b"\r\n", PAYLOAD)
        until(lambda: is_waiting(database))
        wire.socket.close()
        slow.rollback()
    until(rows.all)
    assert rows.guids() == [said["x-github-delivery"]]
    assert github.sends().status_code == 202


def test_many_that_go_away_in_the_middle_leave_room_for_others(
    github: GitHub, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_BYTES_AT_ONCE", 300_000)
    for _ in range(10):
        client = Wire(github)
        client.sends(POST, lines(content_length="100000"), b"\r\n", bytes(60_000))
        client.socket.close()
    until(lambda: github.sends(b" " * 100_000 + PAYLOAD).status_code == 202)
    until(lambda: len(rows.all()) == 1)
