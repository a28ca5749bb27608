"""The committed example behind its address, in Modal's own container entrypoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import modal
import pytest

from tests.modal.cli import APPS, SECONDS, until
from tests.modal.cli import modal as command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long


def test_the_example_serves_from_cold_to_stopped(modal_bed: ModalBed, client: modal.Client) -> None:
    assert command(modal_bed.environment(), "deploy", APPS / "poster/app.py").returncode == 0
    url = modal.Cls.from_name("poster", "ComfyUI", client=client)().web.get_web_url()
    assert url is not None
    with httpx.Client(base_url=url, timeout=SECONDS, follow_redirects=True) as http:
        assert http.get("/health").text == "modal-http: missing credentials for proxy authorization\n"
        wrong = {"Modal-Key": "wk-1", "Modal-Secret": "ws-1"}
        assert http.get("/health", headers=wrong).status_code == 401
        assert modal_bed.containers == {}  # strangers start nothing

        token = modal.Workspace.from_context(client=client).proxy_tokens.create(name="tests")
        http.headers.update({"Modal-Key": token.token_id, "Modal-Secret": token.token_secret})
        health = http.get("/health").raise_for_status().json()
        assert (health["engine"], health["engine_version"]) == ("stand-in", "0.3.64")
        (container,) = modal_bed.containers.values()
        made = http.post("/generate", json={"sun_height": 100}).raise_for_status().json()
        assert (made["engine"], made["outputs"][0]["media_type"]) == ("stand-in", "image/png")
        tail = [line.message for line in modal.App.lookup("poster", client=client).logs.tail(50)]
        assert any("To see the GUI go to" in line for line in tail)

        modal_bed.scaledown_seconds = 0.1
        http.get("/health")
        until(lambda: not modal_bed.containers)
        assert container.exit_code == 0, container.output

        modal.App.lookup("poster", client=client).stop()
        assert http.get("/health").text == "modal-http: app for invoked web endpoint is stopped\n"
    until(lambda: not modal_bed.containers)


PLAIN = """\
import asyncio

import modal

app = modal.App("plain")


@app.cls(image=modal.Image.debian_slim(), enable_memory_snapshot=True)
@modal.concurrent(max_inputs=4)
class Plain:
    @modal.enter(snap=True)
    def prepare(self):
        print("prepared")
        self.gate = None

    @modal.enter(snap=False)
    def start(self):
        print("started")

    @modal.exit()
    def stop(self):
        print("stopped")

    @modal.asgi_app(label="plain")
    def web(self):
        async def respond(scope, receive, send):
            if scope["type"] == "lifespan":
                return
            body = (await receive())["body"]
            if scope["path"] == "/wait":
                self.gate = asyncio.Event()
                await self.gate.wait()
            if scope["path"] == "/open":
                self.gate.set()
            if scope["path"] == "/hang":
                print("left by", (await receive())["type"])
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-method", scope["method"].encode())]})
            await send({"type": "http.response.body", "body": str(len(body)).encode(), "more_body": True})
            await send({"type": "http.response.body", "body": scope["query_string"]})

        return respond
"""


def test_a_request_that_takes_long_is_told_where_its_answer_will_be(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    app = deploy(PLAIN)
    url = modal.Cls.from_name("plain", "Plain", client=client)().web.get_web_url()
    assert url is not None
    with httpx.Client(base_url=url, timeout=SECONDS) as http:
        large = http.post("/", params={"a": "b"}, content=b"x" * 5_000_000)
        assert (large.text, large.headers["x-method"]) == ("5000000a=b", "POST")
        modal_bed.request_seconds = 0.05
        asked = http.get("/wait")
        assert (asked.status_code, asked.headers["location"].startswith(f"{url}/wait?")) == (303, True)
        modal_bed.request_seconds = SECONDS
        assert http.get("/open").status_code == 200
        assert http.get(asked.headers["location"]).text == "0"

        with pytest.raises(httpx.ReadTimeout):
            http.get("/hang", timeout=0.2)
        until(lambda: "left by http.disconnect\n" in _printed(modal_bed))
        until(lambda: app.stats().functions.total.calls.succeeded == 4)
        assert app.stats().functions.total.containers.total == 1
        app.stop()
        until(lambda: not modal_bed.containers)
    assert _printed(modal_bed) == ["prepared\n", "started\n", "left by http.disconnect\n", "stopped\n"]


def test_what_does_not_start_is_told_to_whoever_asks(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    def answer(source: str) -> tuple[int, str]:
        deploy(source)
        told = httpx.get(str(modal.Cls.from_name("plain", "Plain", client=client)().web.get_web_url()), timeout=SECONDS)
        return told.status_code, told.text

    broken = PLAIN.replace('print("started")', 'raise RuntimeError("no GPU")')
    assert answer(broken) == (500, "modal-http: internal error: status Failure: RuntimeError('no GPU')\n")
    slow = PLAIN.replace('print("prepared")', "import time; time.sleep(60)").replace(
        "image=", "startup_timeout=1, image="
    )
    assert answer(slow) == (500, "modal-http: internal error: status Failure: Container failed to start within 1s\n")
    assert "RuntimeError: no GPU" in "".join(_printed(modal_bed))


def test_an_address_stays_with_its_label(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    def address(name: str) -> str | None:
        return modal.Cls.from_name(name, "Plain", client=client)().web.get_web_url()

    app = deploy(PLAIN)
    before = address("plain")
    app.stop()
    deploy(PLAIN)
    assert address("plain") == before
    deploy(PLAIN.replace('App("plain")', 'App("thief")'))
    assert address("thief") == before
    with pytest.raises(modal.exception.InvalidError, match="Invalid label"):
        deploy(PLAIN.replace('label="plain"', 'label="Not_Plain"'))


def _printed(bed: ModalBed) -> list[str]:
    return [line.text for line in bed.app("plain").logs]
