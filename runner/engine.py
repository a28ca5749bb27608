"""Which ComfyUI a locally deployed app talks to: one at a URL, one from a checkout, or the packaged stand-in."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

import httpx

from codegen.json_values import as_object
from runner.errors import EngineUnavailable

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from codegen.model import JsonObject
    from runner.model import EngineChoice

PROBE_SECONDS = 5.0
"""A ComfyUI that runs a prompt still answers /system_stats within this."""
PROBE_BYTES = 1 << 20
"""Far more than a ComfyUI with eight GPUs says."""
_CREDENTIALS = re.compile(r"//[^/@]*@")
_VENV_PYTHONS = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe")


def engine_settings(choice: EngineChoice, *, core: str, work_dir: Path) -> dict[str, str]:
    """Environment of the app's runtime (see `shared.settings`).

    Raises:
        EngineUnavailable: the ComfyUI asked for cannot be used; the message says what was tried.
    """
    if choice.url is not None:
        url = choice.url.rstrip("/")
        check_url(url)
        return {"FLOWBERTH_ENGINE_URL": url}
    if choice.path is not None:
        return {
            "FLOWBERTH_ENGINE_COMMAND": json.dumps(checkout_command(choice.path, work_dir)),
            "FLOWBERTH_ENGINE_CWD": str(choice.path),
        }
    files = work_dir / "stand-in"  # removed with everything else there, also when the stand-in was killed
    command = [sys.executable, "-m", "runner.stand_in", "--port", "{port}", "--core", core, "--data", str(files)]
    return {"FLOWBERTH_ENGINE_COMMAND": json.dumps(command)}


@cache
def trust() -> ssl.SSLContext:
    """Whose certificates are believed. By default httpx reads them all for every client: longer than asking takes."""
    return httpx.create_ssl_context(trust_env=False)


def check_url(url: str) -> None:
    """Make sure that a ComfyUI answers there.

    Raises:
        EngineUnavailable: nothing does, or something else.
    """
    try:
        system_stats(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise EngineUnavailable(
            f"no ComfyUI answers at {_shown(url)}/system_stats ({_shown(str(error))}); start one, or correct --comfyui"
        ) from None


def system_stats(url: str) -> JsonObject:
    """What a ComfyUI says of itself: a small answer in a short time, whatever the other side tries.

    Raises:
        ValueError, RecursionError, httpx.HTTPError, httpx.InvalidURL: nothing, or nothing that a ComfyUI would say.
    """
    data = bytearray()
    ends = time.monotonic() + PROBE_SECONDS
    # As the app will ask, which gets no proxy of ours.
    with httpx.stream("GET", f"{url}/system_stats", timeout=PROBE_SECONDS, trust_env=False, verify=trust()) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > PROBE_BYTES or time.monotonic() > ends:
                raise ValueError("its answer does not end")
    system = as_object(as_object(json.loads(bytes(data))).get("system"))
    if not system:
        raise ValueError("it has no `system`, so it is no ComfyUI")
    return system


def _shown(url: str) -> str:
    """Without a user and password in it."""
    return _CREDENTIALS.sub("//", url)


def checkout_command(path: Path, work_dir: Path) -> list[str]:
    """How to start a checkout so that it writes nothing into itself.

    Raises:
        EngineUnavailable: it is no checkout of ComfyUI.
    """
    if not (path / "main.py").is_file() or not (path / "comfy").is_dir():
        raise EngineUnavailable(f"{path} is no checkout of ComfyUI (it has no main.py and comfy/); correct --comfyui")
    python = next((str(path / name) for name in _VENV_PYTHONS if (path / name).exists()), None)
    if python is None:
        python = shutil.which("python3") or shutil.which("python") or sys.executable
    command = [python, str(path / "main.py"), "--listen", "127.0.0.1", "--port", "{port}", "--disable-auto-launch"]
    for name in ("input", "output", "temp", "user"):
        folder = work_dir / "comfyui" / name
        folder.mkdir(parents=True, exist_ok=True)
        command += [f"--{name}-directory", str(folder)]
    if not has_gpu():
        command.append("--cpu")
    return command


@cache
def has_gpu() -> bool:
    """Whether this machine has something that torch could use, told without importing torch."""
    return sys.platform == "darwin" or shutil.which("nvidia-smi") is not None or shutil.which("rocm-smi") is not None
