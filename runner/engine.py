"""Which ComfyUI a locally deployed app talks to: one at a URL, one from a checkout, or the packaged stand-in."""

from __future__ import annotations

import json
import re
import shutil
import sys
from functools import cache
from typing import TYPE_CHECKING

import httpx

from runner.errors import EngineUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from runner.model import EngineChoice

PROBE_SECONDS = 5.0
"""A ComfyUI that runs a prompt still answers /system_stats within this."""
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


def check_url(url: str) -> None:
    """Make sure that a ComfyUI answers there.

    Raises:
        EngineUnavailable: nothing does, or something else.
    """
    try:
        # As the app will ask, which gets no proxy of ours.
        answer = httpx.get(f"{url}/system_stats", timeout=PROBE_SECONDS, trust_env=False)
        stats = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise EngineUnavailable(
            f"no ComfyUI answers at {_shown(url)}/system_stats ({_shown(str(error))}); start one, or correct --comfyui"
        ) from None
    if not isinstance(stats, dict) or "system" not in stats:
        raise EngineUnavailable(f"{_shown(url)} is no ComfyUI: its /system_stats has no `system`")


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
