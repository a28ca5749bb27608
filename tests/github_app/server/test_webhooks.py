"""The webhook: who is let in, what is refused and how, and what is on record afterwards."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from inline_snapshot import snapshot

from github_app.server.webhooks import MAX_PAYLOAD_BYTES
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import PAYLOAD, SECRET, GitHub, guid, headers

SHA1 = "sha1=" + hmac.new(SECRET.encode(), PAYLOAD, hashlib.sha1).hexdigest()
SHA256 = hmac.new(SECRET.encode(), PAYLOAD, hashlib.sha256).hexdigest()


def test_a_signed_delivery_is_acknowledged_and_on_record_byte_for_byte(github: GitHub, rows: Rows) -> None:
    said = headers()
    answer = github.sends(said=said)
    assert (answer.status_code, answer.content) == (202, b"")
    row = rows.one()
    assert (row.guid, row.event, row.action, row.installation) == (said["x-github-delivery"], "issues", "opened", 7)
    assert row.payload == PAYLOAD
    assert (row.state, row.attempts) == ("received", 0)


def test_the_signature_is_the_one_of_githubs_documentation(github: GitHub, rows: Rows) -> None:
    """https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries: a secret, a body, and its signature."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    answer = github.sends(b"Hello, World!", headers(b"Hello, World!") | {"x-hub-signature-256": signature})
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is no JSON object")
    assert rows.all() == []


@pytest.mark.parametrize(
    "signature",
    ["", SHA1, "sha256=", f"sha256={'0' * 64}", SHA256, f"sha256={SHA256.upper()}", f"sha256={SHA256}0", f"sha512={SHA256 * 2}"],
    ids=["missing", "sha1", "empty", "wrong", "bare", "upper", "long", "sha512"],
)  # fmt: skip
def test_without_the_right_sha256_signature_nothing_gets_in(github: GitHub, rows: Rows, signature: str) -> None:
    answer = github.sends(x_hub_signature_256=signature)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ignature" in answer.json()["detail"]
    assert rows.all() == []


def test_a_signature_of_other_bytes_is_wrong(github: GitHub, rows: Rows) -> None:
    answer = github.sends(PAYLOAD.replace(b"1", b"2"), headers(PAYLOAD))
    assert answer.status_code == 401
    assert answer.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "the signature is not that of this body: is FLOWBERTH_GITHUB_WEBHOOK_SECRET the secret of the App?",
        }
    )
    assert rows.all() == []


def test_two_signatures_are_none(github: GitHub) -> None:
    both = [*headers().items(), ("x-hub-signature-256", f"sha256={'0' * 64}")]
    assert github.http.post("/webhooks/github", content=PAYLOAD, headers=both).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "choose that content type"),
        ({"content_type": ""}, 415, "application/json only"),
        ({"x_github_delivery": ""}, 400, "X-GitHub-Delivery must be a GUID"),
        ({"x_github_delivery": "1; DROP TABLE delivery"}, 400, "X-GitHub-Delivery must be a GUID"),
        ({"x_github_event": ""}, 400, "X-GitHub-Event must be the name of an event"),
        ({"x_github_event": "../issues"}, 400, "X-GitHub-Event must be the name of an event"),
    ],
)  # fmt: skip
def test_what_does_not_look_like_github_is_told_what_is_wrong(
    github: GitHub, rows: Rows, wrong: dict[str, str], status: int, words: str
) -> None:
    answer = github.sends(**wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert rows.all() == []


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"payload=%7B%7D", b"[" * 100_000, b'{"a":' * 100_000],
    ids=["empty", "cut", "list", "text", "no UTF-8", "form", "deep list", "deep object"],
)
def test_signed_garbage_is_refused_and_not_kept(github: GitHub, rows: Rows, payload: bytes) -> None:
    answer = github.sends(payload)
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is no JSON object")
    assert rows.all() == []


@given(
    st.dictionaries(
        st.sampled_from(["action", "installation", "id", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([{"id": 2**63}, {"id": True}]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
@effort(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_signed_object_is_taken_whatever_is_in_it(github: GitHub, rows: Rows, content: dict[str, object]) -> None:
    payload = json.dumps(content).encode()
    said = headers(payload)
    assert github.sends(payload, said).status_code == 202
    (row,) = [row for row in rows.all() if row.guid == said["x-github-delivery"]]
    assert row.payload == payload


class Raw:
    """A client that does not behave: bytes over a socket."""

    def __init__(self, github: GitHub) -> None:
        address = urlsplit(github.url)
        assert address.hostname
        self.socket = socket.create_connection((address.hostname, address.port or 80), timeout=30)

    def sends(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")

    def status(self) -> int:
        answer = self.socket.recv(4096)
        return int(answer.split(b" ")[1])


@pytest.fixture
def raw(github: GitHub) -> Iterator[Raw]:
    client = Raw(github)
    yield client
    client.socket.close()


POST = ("POST /webhooks/github HTTP/1.1", "Host: x")


def test_too_much_is_refused_by_its_length_before_any_of_it_is_sent(raw: Raw) -> None:
    said = [f"{name}: {value}" for name, value in headers().items()]
    raw.sends(*POST, *said, f"Content-Length: {MAX_PAYLOAD_BYTES + 1}")
    assert raw.status() == 413


def test_too_much_in_chunks_is_refused_on_the_way(github: GitHub, rows: Rows) -> None:
    piece = bytes(1024 * 1024)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += len(piece)
            yield piece

    with suppress(httpx.TransportError):  # hung up on while it was sending
        assert github.http.post("/webhooks/github", content=endless(), headers=headers()).status_code == 413
    assert sent < 4 * MAX_PAYLOAD_BYTES
    assert rows.all() == []
    assert github.sends().status_code == 202  # nobody else has noticed


def test_the_largest_payload_is_taken(github: GitHub, rows: Rows) -> None:
    text = b'{"x":"' + b"x" * (MAX_PAYLOAD_BYTES - 8) + b'"}'
    assert len(text) == MAX_PAYLOAD_BYTES
    assert github.sends(text).status_code == 202
    assert len(rows.one().payload) == MAX_PAYLOAD_BYTES


def test_a_chunked_delivery_is_one_too(github: GitHub, rows: Rows) -> None:
    answer = github.http.post("/webhooks/github", content=iter([PAYLOAD[:5], b"", PAYLOAD[5:]]), headers=headers())
    assert answer.status_code == 202
    assert rows.one().payload == PAYLOAD


def test_a_client_that_hangs_up_leaves_nothing_behind(raw: Raw, github: GitHub, rows: Rows) -> None:
    said = [f"{name}: {value}" for name, value in headers().items()]
    raw.sends(*POST, *said, "Content-Length: 100000")
    raw.socket.close()
    assert github.sends().status_code == 202
    assert len(rows.all()) == 1


def test_a_redelivery_is_acknowledged_and_not_a_second_row(github: GitHub, rows: Rows) -> None:
    said = headers()
    assert [github.sends(said=said).status_code for _ in range(3)] == [202] * 3
    again = said | {"x-github-delivery": said["x-github-delivery"].upper()}
    assert github.sends(said=again).status_code == 202
    assert len(rows.all()) == 1


@pytest.mark.parametrize(("state", "then"), [("handled", "handled"), ("ignored", "ignored"), ("failed", "received")])
def test_a_redelivery_of_what_failed_is_taken_again(github: GitHub, rows: Rows, state: str, then: str) -> None:
    said = headers()
    github.sends(said=said)
    rows.change(said["x-github-delivery"], state=state, attempts=5, error="no")
    assert github.sends(said=said).status_code == 202
    row = rows.one()
    assert (row.state, row.attempts == 0, row.error is None) == (then, then == "received", then == "received")


def test_the_same_delivery_many_times_at_once_is_one_row(github: GitHub, rows: Rows) -> None:
    guids = [guid() for _ in range(20)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda one: github.sends(x_github_delivery=one).status_code, guids * 8))
    assert answers == [202] * 160
    assert sorted(rows.guids()) == sorted(guids)
