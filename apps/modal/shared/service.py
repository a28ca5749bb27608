"""What `app.py` holds: one workflow, its ComfyUI, and the web app in front of it."""

from __future__ import annotations

import importlib
import threading
import time
from typing import TYPE_CHECKING

from shared.addresses import PublicTransport
from shared.command import with_arguments
from shared.definition import Definition
from shared.engine import Engine, EngineProcess, RemoteEngine
from shared.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi import FastAPI


class Service:
    """A generated app's life.

    `prepare` before a memory snapshot, `start` before there is an event loop, `asgi` for the server, `stop` at the end.
    """

    def __init__(
        self,
        definition: Definition,
        engine: Engine,
        settings: Settings,
        *,
        media_transport: Callable[[], PublicTransport] = PublicTransport,
    ) -> None:
        self.definition = definition
        self.engine = engine
        self.settings = settings
        self.media_transport = media_transport
        self._follows_environment = False
        self.cold_start_seconds = 0.0
        """From the call of `start` until ComfyUI answered."""
        self.ready_at = time.monotonic()
        """When it did, on the monotonic clock; from then on the app is idle until a job comes."""

    @classmethod
    def from_folder(cls, folder: Path, settings: Settings | None = None) -> Service:
        """The service of an app's folder, with settings from the environment by default.

        Raises:
            DefinitionError: the folder is not one this runtime can serve.
            SettingsError: an environment variable cannot be understood.
        """
        chosen = settings or Settings.from_environment()
        definition = Definition.from_folder(folder)
        service = cls(definition, make_engine(definition, chosen), chosen)
        service._follows_environment = settings is None
        return service

    def prepare(self) -> None:
        """Before a memory snapshot: import the web app and load ComfyUI's libraries. Nothing without one."""
        if self.settings.snapshot:
            importlib.import_module("shared.web")
            self.engine.prepare(torch=self.settings.snapshot_torch)

    def start(self) -> None:
        """Start ComfyUI and wait until it answers.

        Raises:
            EngineFailed: it does not; the message has the end of its log.
            SettingsError: the environment has changed since the snapshot and cannot be understood, or nothing
                would keep strangers out.
        """
        if self.settings.snapshot and self._follows_environment:
            self.settings = Settings.from_environment()  # a secret may be newer than the snapshot
        if not (self.definition.lock.access.proxy_auth or self.settings.api_key):
            raise SettingsError("FLOWBERTH_API_KEY must be set: the lock has Modal ask nobody for a token")
        began = time.monotonic()
        # meanwhile, so that the app is up as soon as ComfyUI is
        threading.Thread(target=importlib.import_module, args=("shared.web",), name="import-web", daemon=True).start()
        self.engine.start()
        self.ready_at = time.monotonic()
        self.cold_start_seconds = self.ready_at - began

    def stop(self) -> None:
        """Stop ComfyUI and everything it started. Idempotent."""
        self.engine.stop()

    def asgi(self) -> FastAPI:
        """The web app. The queue lives in its lifespan."""
        from shared.web import web_app  # noqa: PLC0415 - whoever only starts the engine needs no web server

        return web_app(self)


def make_engine(definition: Definition, settings: Settings) -> Engine:
    """The engine that the settings ask for, not started."""
    startup = definition.lock.timeouts.startup_seconds
    if settings.engine_url:
        return RemoteEngine(settings.engine_url, startup_seconds=startup)
    command = with_arguments(settings.engine_command, definition.lock.comfyui.arguments)
    return EngineProcess(command, cwd=settings.engine_cwd, startup_seconds=startup)
