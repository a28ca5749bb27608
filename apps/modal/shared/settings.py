"""What the environment may say. This is the only file that reads it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

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
    "health_open": "FLOWBERTH_HEALTH_OPEN",
    "webhook_secret": "FLOWBERTH_WEBHOOK_SECRET",
    "partner_key": "API_KEY_COMFY_ORG",
    "snapshot": "FLOWBERTH_SNAPSHOT",
    "snapshot_torch": "FLOWBERTH_SNAPSHOT_TORCH",
}
"""Setting → environment variable."""
BUCKET_ENVIRONMENT = {
    "name": "FLOWBERTH_S3_BUCKET",
    "endpoint": "FLOWBERTH_S3_ENDPOINT",
    "region": "FLOWBERTH_S3_REGION",
    "access_key_id": "FLOWBERTH_S3_ACCESS_KEY_ID",
    "secret_access_key": "FLOWBERTH_S3_SECRET_ACCESS_KEY",
    "prefix": "FLOWBERTH_S3_PREFIX",
    "link_seconds": "FLOWBERTH_S3_LINK_SECONDS",
}
"""Setting of the bucket → environment variable. Without the first there is no bucket."""
DAY_SECONDS = 86400
Model = TypeVar("Model", bound=BaseModel)


class SettingsError(ValueError):
    """An environment variable cannot be understood; the message names it."""


class BucketSettings(BaseModel):
    """Where outputs are kept beyond the app's own life."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")
    """The bucket. With one, outputs are put there and come as presigned links."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/?#]+/?$")
    """Whose bucket it is, when it is not Amazon's: `https://<account>.r2.cloudflarestorage.com` for R2."""
    region: str = Field(default="auto", pattern=r"^[a-z0-9-]+$")
    """Its region; `auto` is right for R2, Amazon needs the real one."""
    access_key_id: str = Field(min_length=1)
    """The key that may write to it."""
    secret_access_key: str = Field(min_length=1, repr=False)
    """Its secret."""
    prefix: str = Field(default="", pattern=r"^([A-Za-z0-9._-]+/)*$")
    """Before every key, such as `flowberth/`."""
    link_seconds: int = Field(default=DAY_SECONDS, ge=60, le=7 * DAY_SECONDS)
    """How long a link works. S3 signs for seven days at most."""

    @field_validator("region")
    @classmethod
    def _amazon_needs_a_region(cls, region: str, info: ValidationInfo) -> str:
        if region == "auto" and info.data.get("endpoint") is None:
            raise ValueError("Amazon S3 needs the bucket's region")
        return region


class Settings(BaseModel):
    """Settings of one app. Made by `Settings.from_environment`, or directly in tests."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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
    api_key: str | None = Field(default=None, min_length=16, repr=False)
    """When set, every request must carry it as a bearer token; `/health` need not, unless it is closed."""
    health_open: bool = True
    """Whether `/health` answers without the key: load balancers seldom have one. It names what did not load."""
    webhook_secret: str | None = Field(default=None, min_length=24, repr=False)
    """Signs webhooks; without it none are sent."""
    partner_key: str | None = Field(default=None, min_length=8, repr=False)
    """Pays for nodes of partners' services, from the credits of a Comfy account. It goes to ComfyUI with each prompt,
    and is in no file and no answer."""
    snapshot: bool = False
    """Whether a memory snapshot is taken before the start, as on Modal. `app.py` says so; on a laptop there is none."""
    snapshot_torch: bool = False
    """Whether torch is loaded before the snapshot too. A start is then several times as fast, against ComfyUI's advice:
    it runs with torch's own allocator instead of CUDA's (`--disable-cuda-malloc`)."""
    bucket: BucketSettings | None = None
    """Where outputs go; by default they stay in the app."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: a value cannot be understood.
        """
        values = _given(ENVIRONMENT, environment)
        if "engine_command" in values:
            try:
                values["engine_command"] = tuple(json.loads(str(values["engine_command"])))
            except (ValueError, TypeError) as error:
                message = f"{ENVIRONMENT['engine_command']} must be a JSON array of strings: {error}"
                raise SettingsError(message) from None
        bucket = _given(BUCKET_ENVIRONMENT, environment)
        if "name" in bucket:
            values["bucket"] = _checked(BucketSettings, bucket, BUCKET_ENVIRONMENT)
        return _checked(cls, values, ENVIRONMENT)


def _given(names: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, object]:
    """Settings that the environment has; an empty variable counts as not set."""
    return {name: environment[key] for name, key in names.items() if environment.get(key)}


def _checked(model: type[Model], values: dict[str, object], names: Mapping[str, str]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{names[str(fault['loc'][0])]}: {fault['msg']}" for fault in error.errors())
        raise SettingsError(faults) from None
