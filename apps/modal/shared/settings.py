"""What the environment may say. This is the only file that reads it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMFYUI_COMMAND = (
    sys.executable,
    "/root/comfy/ComfyUI/main.py",
    "--listen",
    "127.0.0.1",
    "--port",
    "{port}",
    "--disable-auto-launch",
)
"""How the image that `app.py` builds starts ComfyUI."""

ENVIRONMENT = {
    "engine_url": "FLOWBERTH_ENGINE_URL",
    "engine_command": "FLOWBERTH_ENGINE_COMMAND",
    "engine_cwd": "FLOWBERTH_ENGINE_CWD",
    "work_dir": "FLOWBERTH_WORK_DIR",
    "queue_limit": "FLOWBERTH_QUEUE_LIMIT",
    "inline_bytes": "FLOWBERTH_INLINE_BYTES",
    "body_bytes": "FLOWBERTH_BODY_BYTES",
    "api_key": "FLOWBERTH_API_KEY",
    "webhook_secret": "FLOWBERTH_WEBHOOK_SECRET",
}
"""Setting → environment variable."""


class SettingsError(ValueError):
    """An environment variable cannot be understood; the message names it."""


class Settings(BaseModel):
    """Settings of one app. Made by `Settings.from_environment`, or directly in tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine_url: str | None = Field(default=None, pattern=r"^https?://")
    """A running ComfyUI to use; none is started then."""
    engine_command: tuple[str, ...] = Field(default=COMFYUI_COMMAND, min_length=1)
    """How to start ComfyUI; `{port}` in an argument becomes the port."""
    engine_cwd: Path | None = None
    """Folder to start it in."""
    work_dir: Path | None = None
    """Where uploads and outputs are kept while their jobs are; by default the system's folder for temporary files."""
    queue_limit: int = Field(default=256, ge=1)
    """Jobs that may wait at once. More are answered 429: a client that retries later is better off than one in a
    queue of hours."""
    inline_bytes: int = Field(default=8 * 1024 * 1024, ge=0)
    """Outputs are put into the JSON answer as base64 while all of them together stay within this; others are links."""
    body_bytes: int = Field(default=128 * 1024 * 1024, ge=1024)
    """The largest request body."""
    api_key: str | None = Field(default=None, min_length=16)
    """When set, every request but `/health` must carry it as a bearer token."""
    webhook_secret: str | None = Field(default=None, min_length=24)
    """Signs webhooks; without it none are sent."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: a value cannot be understood.
        """
        values: dict[str, object] = {
            name: environment[key] for name, key in ENVIRONMENT.items() if environment.get(key)
        }
        if "engine_command" in values:
            try:
                values["engine_command"] = tuple(json.loads(str(values["engine_command"])))
            except (ValueError, TypeError) as error:
                message = f"{ENVIRONMENT['engine_command']} must be a JSON array of strings: {error}"
                raise SettingsError(message) from None
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = "; ".join(f"{ENVIRONMENT[str(fault['loc'][0])]}: {fault['msg']}" for fault in error.errors())
            raise SettingsError(faults) from None
