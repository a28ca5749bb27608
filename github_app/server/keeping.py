"""Stores the settings of an App in the data folder, so that only their owner can read them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.settings import GITHUB_API, SETTINGS_FILE

if TYPE_CHECKING:
    from github_app.server.registration import Registered, Wanted

KEY_FILE = "github-app.pem"
PRIVATE = 0o600
_INTRODUCTION = "# Settings of Flowberth; docs/settings.md has them all. Environment variables win over this file.\n"


def keep(folder: Path, app: Registered, wanted: Wanted) -> tuple[Path, Path]:
    """Write the key and the settings; other settings in the file stay. Returns both paths.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, settings = folder / KEY_FILE, folder / SETTINGS_FILE
    values: dict[str, str | int] = {
        "github_app_id": app.id,
        "github_app_slug": app.slug,
        "github_private_key_file": KEY_FILE,
        "github_webhook_secret": app.webhook_secret.get_secret_value(),
        "public_url": wanted.public_url,
    }
    if wanted.api_url != GITHUB_API:
        values["github_api_url"] = wanted.api_url
    old = settings.read_text(encoding="utf-8") if settings.exists() else _INTRODUCTION
    ours = re.compile(rf"\s*({'|'.join([*values, 'github_api_url', 'github_private_key'])})\s*=")
    others = "".join(f"{line}\n" for line in old.splitlines() if not ours.match(line))
    # A JSON string or number is one of TOML as well.
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    _write(key, app.private_key.get_secret_value())
    _write(settings, others + lines)
    return key, settings


def _write(path: Path, text: str) -> None:
    """All of it or nothing, never readable by others, not even for a moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(PRIVATE)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
