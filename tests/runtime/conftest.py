"""Apps served over real HTTP, in front of a real engine process."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from PIL import Image

from shared.service import Service
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPTED = [sys.executable, str(Path(__file__).with_name("scripted_engine.py")), "--port", "{port}"]
USD_PER_SECOND = 0.001


@dataclass
class Served:
    """A running app."""

    url: str
    http: httpx.Client
    service: Service

    def generate(self, body: dict[str, Any] | None = None, **arguments: Any) -> httpx.Response:
        return self.http.post("/generate", json=body or {}, **arguments)

    def engine(self, path: str) -> Any:
        return httpx.get(self.service.engine.status().url + path, trust_env=False).json()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for a condition, not for a time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            time.sleep(0.01)

    def job(self, response: httpx.Response) -> dict[str, Any]:
        return self.http.get(f"/jobs/{response.json()['job']}").json()


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": f"My {class_type}"}}


def picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def field(kind: str, *targets: tuple[str, str], **spec: Any) -> dict[str, Any]:
    types = {"integer": "integer", "seed": "integer", "number": "number", "boolean": "boolean", "choice": None}
    type_ = types.get(kind, "string")
    return {
        **({"type": type_} if type_ else {}),
        **spec,
        "x-flowberth": {"kind": kind, "targets": [list(target) for target in targets]},
    }


def write_app(
    folder: Path,
    prompt: dict[str, Any],
    properties: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    *,
    required: tuple[str, ...] = (),
    execution_seconds: float = 30,
    comfyui: str = "0.33.0",
    proxy_auth: bool = True,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lock = {
        "format": 1,
        "name": "poster",
        "runtime": "1.0.0",
        "comfyui": {"version": comfyui, "reason": "a test"},
        "hardware": {"gpu": "L4", "cpu": 2, "memory_mib": 4096, "usd_per_second": USD_PER_SECOND, "reason": "a test"},
        "scaling": {},
        "access": {"proxy_auth": proxy_auth, "secrets": []},
        "timeouts": {"startup_seconds": 30, "execution_seconds": execution_seconds},
    }
    interface = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "poster",
        "type": "object",
        "additionalProperties": False,
        "properties": properties or {},
        "required": list(required),
        "$defs": {"outputs": {"type": "object", "properties": outputs or {}}},
    }
    for name, value in {
        "app.lock.json": lock,
        "prompt.json": prompt,
        "interface.json": interface,
        "workflow.json": prompt,
    }.items():
        (folder / name).write_text(json.dumps(value))
    return folder


@contextlib.contextmanager
def serve(service: Service) -> Iterator[Served]:
    """Start the service the way a target does, and serve it with uvicorn on a free port."""
    service.start()
    try:
        # the protocol is named so that asyncio sets TCP_NODELAY: without it every answer waits 40 ms for an ACK
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(
            uvicorn.Config(service.asgi(), loop="asyncio", log_level="warning", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
                yield Served(url, http, service)
        finally:
            server.should_exit = True
            thread.join(20)
            listener.close()
            assert not thread.is_alive()
    finally:
        service.stop()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Make and serve an app from a prompt and its properties; everything ends with the test."""
    with contextlib.ExitStack() as stack:

        def make(
            prompt: dict[str, Any],
            properties: dict[str, Any] | None = None,
            settings: dict[str, Any] | None = None,
            **rest: Any,
        ) -> Served:
            folder = write_app(tmp_path / "app", prompt, properties, **rest)
            chosen = Settings.model_validate({"engine_command": SCRIPTED, "work_dir": tmp_path, **(settings or {})})
            return stack.enter_context(serve(Service.from_folder(folder, chosen)))

        yield make
