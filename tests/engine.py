"""Engines for tests that need one, and a client that speaks to them as any client of ComfyUI does."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STAND_IN = (sys.executable, "-m", "runner.stand_in", "--port", "{port}")
END_SECONDS = 10
COMFYUI_DIR = os.environ.get("FLOWBERTH_COMFYUI_DIR")
COMFYUI_URL = os.environ.get("FLOWBERTH_COMFYUI_URL")


def comfyui_command(checkout: Path, folder: Path) -> tuple[str, ...]:
    """How to start a checkout on the CPU, with `{port}` to be filled in and all of its files in `folder`."""
    python = checkout / ".venv/bin/python"
    command = [str(python) if python.exists() else sys.executable, str(checkout / "main.py"), "--cpu"]
    for kind in ("input", "output", "temp", "user"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        command += [f"--{kind}-directory", str(folder / kind)]
    return (*command, "--database-url", f"sqlite:///{folder}/user/comfyui.db", "--port", "{port}")


@contextmanager
def engine(command: tuple[str, ...]) -> Iterator[str]:
    """Its URL, once it says that it listens; it must end when it is asked to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    filled = [part.replace("{port}", str(port)) for part in command]
    with subprocess.Popen(filled, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            listening = f"To see the GUI go to: http://127.0.0.1:{port}\n"
            assert any(line == listening for line in process.stdout)
            threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop it
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(END_SECONDS)


@contextmanager
def stand_in(core: str = "0.33.0", data: Path | None = None) -> Iterator[str]:
    """The URL of a stand-in."""
    with engine((*STAND_IN, "--core", core, *(("--data", str(data)) if data else ()))) as url:
        yield url


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


@dataclass
class Told:
    """What the socket said of one prompt."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    entry: dict[str, Any] = field(default_factory=dict)
    """Of the history, looked up the moment that the end was told."""

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [data for told, data in self.events if told == kind]


class Client:
    """What a client of ComfyUI does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def submit(self, prompt: dict[str, Any], **more: Any) -> httpx.Response:
        return self.http.post("/prompt", json={"prompt": prompt, **more})

    def follow(self, prompt: dict[str, Any], on_event: Callable[[str, dict[str, Any]], None] | None = None) -> Told:
        """Run a prompt and hear all that is said of it, to its end."""
        client_id = uuid.uuid4().hex

        async def listen() -> Told:
            told = Told()
            address = f"{self.url.replace('http', 'ws', 1)}/ws?clientId={client_id}"
            async with connect(address, proxy=None, max_size=None) as socket:
                first = json.loads(await socket.recv())
                assert first["data"]["sid"] == client_id
                answer = await asyncio.to_thread(self.submit, prompt, client_id=client_id)
                assert answer.status_code == 200, answer.text
                id_ = answer.json()["prompt_id"]
                async for message in socket:
                    if isinstance(message, bytes):
                        told.frames.append(message)
                        continue
                    event = json.loads(message)
                    if event["data"].get("prompt_id") != id_:
                        continue
                    told.events.append((event["type"], event["data"]))
                    if on_event is not None:
                        await asyncio.to_thread(on_event, event["type"], event["data"])
                    if event["type"] == "executing" and event["data"]["node"] is None:
                        break
                told.entry = (await asyncio.to_thread(self.http.get, f"/history/{id_}")).json()[id_]
                return told

        return asyncio.run(asyncio.wait_for(listen(), 60))

    def events(self, prompt: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        return self.follow(prompt).events

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        return self.follow(prompt).entry

    def outputs(self, prompt: dict[str, Any], node: str) -> list[bytes]:
        entry = self.run(prompt)
        assert entry["status"]["status_str"] == "success", entry["status"]
        found = [file for files in entry["outputs"][node].values() for file in files if isinstance(file, dict)]
        return [self.http.get("/view", params=file).raise_for_status().content for file in found]

    def picture(self, prompt: dict[str, Any], node: str) -> Image.Image:
        (data,) = self.outputs(prompt, node)
        return Image.open(io.BytesIO(data))

    def failure(self, prompt: dict[str, Any]) -> dict[str, Any]:
        entry = self.run(prompt)
        assert entry["status"]["status_str"] == "error"
        return next(data for event, data in entry["status"]["messages"] if event == "execution_error")

    def history(self, prompt_id: str) -> dict[str, Any]:
        return self.http.get(f"/history/{prompt_id}").json()

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Wait for a condition, not for a time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            time.sleep(0.01)
