"""The committed example behind its address, in Modal's own container entrypoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import modal

from tests.modal.cli import APPS
from tests.modal.cli import modal as command

if TYPE_CHECKING:
    from tests.modal.bed import ModalBed

PATIENCE_SECONDS = 30


def test_the_example_serves_from_cold_to_stopped(modal_bed: ModalBed, client: modal.Client) -> None:
    assert command(modal_bed.environment(), "deploy", APPS / "poster/app.py").returncode == 0
    url = modal.Cls.from_name("poster", "ComfyUI", client=client)().web.get_web_url()
    assert url is not None
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, follow_redirects=True) as http:
        assert http.get("/health").text == "modal-http: missing credentials for proxy authorization\n"
        wrong = {"Modal-Key": "wk-1", "Modal-Secret": "ws-1"}
        assert http.get("/health", headers=wrong).status_code == 401
        assert modal_bed.containers == {}  # strangers start nothing

        http.headers.update(modal_bed.proxy_token())
        health = http.get("/health").raise_for_status().json()
        assert (health["engine"], health["engine_version"]) == ("stand-in", "0.3.64")
        (container,) = modal_bed.containers.values()
        made = http.post("/generate", json={"sun_height": 100}).raise_for_status().json()
        assert (made["engine"], made["outputs"][0]["media_type"]) == ("stand-in", "image/png")
        tail = [line.message for line in modal.App.lookup("poster", client=client).logs.tail(50)]
        assert any("To see the GUI go to" in line for line in tail)

        modal_bed.scaledown_seconds = 0.1
        http.get("/health")
        _until(lambda: not modal_bed.containers)
        assert container.exit_code == 0, container.output

        modal.App.lookup("poster", client=client).stop()
        assert http.get("/health").text == "modal-http: app for invoked web endpoint is stopped\n"
    _until(lambda: not modal_bed.containers)


def _until(condition: object) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)
