"""The app that `runtime.py` measures: a process of its own, in front of the stand-in engine or a real ComfyUI.

`python benchmarks/served_app.py FOLDER PORT` is that process; it is started by `app`.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import psutil
import uvicorn

SCRIPT = Path(__file__).resolve()
ROOT = SCRIPT.parents[1]
sys.path.insert(0, str(ROOT / "apps/modal"))

from shared.service import Service  # noqa: E402 - found through the path above
from shared.settings import ENVIRONMENT  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

STAND_IN_CORE = "0.33.0"
LOOK_SECONDS = 0.005
"""Between two looks at something that is about to happen."""
PATIENCE_SECONDS = 180.0
"""For one thing to happen; the longest is a ComfyUI that starts on a busy machine."""
CONNECTIONS = 200
"""Kept open by the client: as many as jobs are submitted at once."""
BACKLOG = 4096
"""Connections that may wait to be accepted: more than come at once."""
MIB = 1 << 20


class Measured(NamedTuple):
    """What a part runs against."""

    settings: dict[str, str]
    """Environment of the app: where its ComfyUI is, or how to start it."""
    folder: Path
    kills: int

    @property
    def engine_url(self) -> str | None:
        """Where ComfyUI is, if somebody else runs it."""
        return self.settings.get(ENVIRONMENT["engine_url"])


class App(NamedTuple):
    """A running app."""

    http: httpx.AsyncClient
    process: psutil.Process
    url: str

    def memory(self) -> float:
        """Resident set in MiB, without its children."""
        return self.process.memory_info().rss / MIB

    def engine(self) -> psutil.Process | None:
        """The process of its ComfyUI, if it has one now: the only child of the guard."""
        for child in self.process.children(recursive=True):
            arguments = _arguments(child)
            if "--port" in arguments and not any(part.endswith("guard.py") for part in arguments):
                return child
        return None

    async def engine_url(self) -> str:
        """Where its ComfyUI listens."""

        async def has_engine() -> bool:
            return self.engine() is not None

        await until(has_engine)
        engine = self.engine()
        assert engine is not None
        arguments = _arguments(engine)
        return f"http://127.0.0.1:{arguments[arguments.index('--port') + 1]}"

    async def submit(self, **inputs: int) -> str:
        """Queue a job and return its id."""
        answer = await self.http.post("/generate", params={"wait": 0}, json=inputs)
        return answer.raise_for_status().json()["job"]

    async def job(self, id_: str) -> dict[str, Any]:
        """A job as it is now."""
        return (await self.http.get(f"/jobs/{id_}")).raise_for_status().json()

    async def end(self, id_: str) -> dict[str, Any]:
        """A job when it has ended."""
        async with self.http.stream("GET", f"/jobs/{id_}/events") as events:
            async for _ in events.aiter_lines():
                pass
        return await self.job(id_)

    async def is_healthy(self) -> bool:
        """Whether `/health` answers 200."""
        try:
            return (await self.http.get("/health")).is_success
        except httpx.HTTPError:
            return False


def prompt(color: int, frames: int = 1) -> dict[str, Any]:
    """A picture of one colour; `frames` of them are scaled up and down first, which takes its time."""

    def scale(source: str, side: int) -> dict[str, Any]:
        sides = {"width": side, "height": side}
        return _node("ImageScale", image=[source, 0], upscale_method="bicubic", crop="disabled", **sides)

    return {
        "1": _node("EmptyImage", width=256, height=256, batch_size=frames, color=color),
        "2": scale("1", 512),
        "3": scale("2", 256),
        "4": _node("ImageFromBatch", image=["3", 0], batch_index=0, length=1),
        "5": _node("SaveImage", images=["4", 0], filename_prefix="benchmark/picture"),
    }


def write_app(folder: Path) -> None:
    """The folder of an app that runs `prompt`, with the parts of a lock that the runtime reads."""

    def field(name: str, maximum: int, default: int) -> dict[str, Any]:
        facts = {"kind": "integer", "targets": [["1", name]]}
        return {"type": "integer", "minimum": 0, "maximum": maximum, "default": default, "x-flowberth": facts}

    lock = {
        "format": 1,
        "name": "benchmark",
        "runtime": "0",
        "comfyui": {"version": STAND_IN_CORE},
        "hardware": {"gpu": None, "usd_per_second": 0.0},
        "timeouts": {"startup_seconds": 180, "execution_seconds": 120},
    }
    interface = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"color": field("color", 2**24 - 1, 0), "frames": field("batch_size", 4096, 1)},
        "$defs": {"outputs": {"properties": {"picture": {"x-flowberth": {"kind": "image", "node": "5"}}}}},
    }
    for name, value in {"app.lock.json": lock, "interface.json": interface, "prompt.json": prompt(0)}.items():
        (folder / name).write_text(json.dumps(value))


def serve(folder: Path, port: int) -> None:
    """The app's own process."""
    service = Service.from_folder(folder)
    service.start()
    try:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(
            service.asgi(), loop="asyncio", log_level="error", backlog=BACKLOG, timeout_graceful_shutdown=1
        )
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        service.stop()


@asynccontextmanager
async def app(measured: Measured, *, ready: bool = True) -> AsyncGenerator[App]:
    """Start an app; with `ready`, wait until it is healthy."""
    port = _free_port()
    command = [sys.executable, str(SCRIPT), str(measured.folder), str(port)]
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=CONNECTIONS)
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(  # noqa: ASYNC220 - returns at once, and nothing else goes on yet
        command, env=os.environ | measured.settings, cwd=ROOT, stdout=subprocess.DEVNULL
    ) as process:
        try:
            async with httpx.AsyncClient(
                base_url=url, trust_env=False, timeout=PATIENCE_SECONDS, limits=limits
            ) as client:
                running = App(client, psutil.Process(process.pid), url)
                if ready:
                    await until(running.is_healthy)
                yield running
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


@contextmanager
def prepared(comfyui: str | None, kills_wanted: int) -> Generator[Measured]:
    """An app's folder and an engine's, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="flowberth-benchmark-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary, "app")
        folder.mkdir()
        write_app(folder)
        yield Measured(engine_settings(comfyui, Path(temporary)), folder, kills_wanted)


def engine_settings(comfyui: str | None, folder: Path) -> dict[str, str]:
    """How the app comes to its ComfyUI, as environment variables."""
    if comfyui and comfyui.startswith(("http://", "https://")):
        return {ENVIRONMENT["engine_url"]: comfyui}
    if comfyui is None:
        command = [sys.executable, "-m", "runner.stand_in", "--core", STAND_IN_CORE]
        command += ["--data", str(folder / "data")]
    else:
        checkout = Path(comfyui).resolve()
        python = checkout / ".venv/bin/python"
        command = [str(python) if python.exists() else sys.executable, str(checkout / "main.py"), "--cpu"]
        for kind in ("input", "output", "temp", "user"):
            (folder / kind).mkdir()
            command += [f"--{kind}-directory", str(folder / kind)]
        command += ["--database-url", f"sqlite:///{folder}/user/comfyui.db"]
    return {ENVIRONMENT["engine_command"]: json.dumps([*command, "--port", "{port}"])}


def color() -> int:
    """One that is in nobody's cache."""
    return secrets.randbelow(2**24)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(LOOK_SECONDS)


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - a prompt's values
    return {"class_type": class_type, "inputs": inputs}


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
