"""The process of one locally deployed app: `python -m runner.targets.local_server --app …/app.py --state FILE`.

The app's own `app.py` is imported as `modal deploy` would, its class built by `ComfyUI().web.local()` (public API: it
runs the synchronous `@modal.enter` methods once and returns the ASGI app), and served by uvicorn on a free loopback
port.

Standard input is a lifeline: when its other end closes without the word `keep`, whoever started this is dead, and so
is this soon after.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib.util
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from types import FrameType, ModuleType

KEEP = b"keep"
APP_MODULE = "app"


class AppServer(uvicorn.Server):
    """Tells the URL only once it listens, and leaves signals to `main`."""

    def __init__(self, config: uvicorn.Config, state: Path, url: str, engine_url: str | None) -> None:
        super().__init__(config)
        self._state = state
        self._url = url
        self._engine_url = engine_url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where."""
        await super().startup(sockets=sockets)
        partial = self._state.with_suffix(".partial")
        sys.stdout.write(f"listening at {self._url}\n")  # an engine that others have started prints nothing here
        sys.stdout.flush()
        partial.write_text(json.dumps({"url": self._url, "engine_url": self._engine_url}))
        partial.replace(self._state)


def load(path: Path) -> ModuleType:
    """Import the generated file under the name that Modal gives it."""
    spec = importlib.util.spec_from_file_location(APP_MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[APP_MODULE] = module
    spec.loader.exec_module(module)
    return module


def watch_lifeline() -> None:
    """End this process when its starter ends, unless told to live on."""

    def watch() -> None:
        words = b""
        while chunk := os.read(0, 64):
            words += chunk
        if KEEP not in words:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _leave(_number: int, _frame: FrameType | None) -> None:
    # uvicorn raises the signal again after it has shut down; by then we are leaving anyway.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(0)


def serve(app_path: Path, state: Path) -> None:
    """Run the app until a signal ends it; its engine is stopped in any case."""
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the start
    module = load(app_path)
    obj: Any = module.ComfyUI()
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it answers take 40 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        web = obj.web.local()
        gc.freeze()
        gc.enable()
        # asyncio's own loop, as on Modal, even where uvloop is installed.
        config = uvicorn.Config(web, loop="asyncio", log_level="warning", timeout_graceful_shutdown=5)
        with contextlib.suppress(asyncio.CancelledError):
            AppServer(config, state, url, _engine_url(obj)).run(sockets=[listener])
    finally:
        with contextlib.suppress(AttributeError):  # `start` itself failed, and has cleaned up
            obj.service.stop()


def _engine_url(obj: Any) -> str | None:  # noqa: ANN401 - the app's class is known by its generated file only
    """Where the ComfyUI behind the app listens; `None` where the app, of whatever age, does not say."""
    try:
        return str(obj.service.engine.status().url)
    except AttributeError:
        return None


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    watch_lifeline()
    serve(arguments.app, arguments.state)


if __name__ == "__main__":
    main()
