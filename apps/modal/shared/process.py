"""Child processes that never outlive us, that hold no secret of ours, and one that waits before it becomes ComfyUI."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GUARD = Path(__file__).with_name("guard.py")
WARM = Path(__file__).with_name("warm.py")
STOP_SECONDS = 10.0
"""The guard's own grace period, doubled; then the group is killed."""
SECRET_PREFIXES = ("FLOWBERTH_", "MODAL_", "API_KEY_COMFY_ORG")
"""Variables that ComfyUI does not get: custom nodes are other people's code."""
LOOK_SECONDS = 0.5
"""Between two looks whether a process that loads libraries still lives."""
LIBRARIES = (
    "aiohttp.web",
    "alembic",
    "asyncio",
    "av",
    "einops",
    "numpy",
    "PIL.Image",
    "pydantic",
    "pydantic_settings",
    "safetensors",
    "scipy.stats",
    "sentencepiece",
    "sqlalchemy.orm",
    "tokenizers",
    "tqdm",
    "transformers",
    "yaml",
)
"""What ComfyUI's requirements name, without torch and what imports it: ComfyUI sets up CUDA's devices and allocator in
the environment before it loads torch, and warns when something loaded it earlier."""
TORCH_LIBRARIES = ("torch", "torchaudio", "torchvision", "torchsde", "kornia", "spandrel")
"""Loaded too when the settings ask for it."""
TORCH_ARGUMENTS = ("--disable-cuda-malloc",)
"""Then torch has chosen its allocator when it was loaded; asked for another one later, it fails."""


def spawn(command: Sequence[str], *, cwd: Path | None) -> subprocess.Popen[bytes]:
    """Start a command under the guard, in a group of its own, with its output in one pipe."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), *command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End the guard and everything in its group. Idempotent."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says "permission" of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment() -> dict[str, str]:
    """Our environment as a child gets it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(SECRET_PREFIXES)}
    return kept | {"PYTHONUNBUFFERED": "1"}


def describe_exit(code: int) -> str:
    """An exit code in words; signals come as -n from a direct child and as 128 + n through the guard."""
    number = -code if code < 0 else code - 128
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        return f"killed by {name}, most likely for lack of memory" if name == "SIGKILL" else f"killed by {name}"
    return f"exit code {code}"


class WarmPython:
    """A Python that has loaded ComfyUI's libraries and waits; a memory snapshot takes it along."""

    def __init__(self, python: str, *, cwd: Path | None, torch: bool) -> None:
        self._arguments = TORCH_ARGUMENTS if torch else ()
        self._folder = tempfile.TemporaryDirectory(prefix="flowberth-warm-")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder.name}/socket")
        self._listener.listen()
        self._listener.settimeout(LOOK_SECONDS)
        libraries = LIBRARIES + (TORCH_LIBRARIES if torch else ())
        self.process = spawn([python, str(WARM), f"{self._folder.name}/socket", *libraries], cwd=cwd)

    def wait(self, seconds: float) -> None:
        """Return when it has loaded them.

        Raises:
            OSError: it ended, or took longer.
        """
        deadline = time.monotonic() + seconds
        with self._listener, self._folder:
            while self.process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    self._connection = self._listener.accept()[0]
                    self._connection.settimeout(None)
                    return
        raise OSError("the process that loads ComfyUI's libraries ended or took too long")

    def become(self, script: Sequence[str]) -> subprocess.Popen[bytes]:
        """Turn it into a script with its arguments, with our environment as it is now.

        Raises:
            OSError: it is gone.
        """
        orders = {"argv": [*script, *self._arguments], "environment": environment()}
        with self._connection:
            self._connection.sendall(json.dumps(orders).encode())
        return self.process

    def close(self) -> None:
        """Let it go without a word: it ends by itself."""
        self._connection.close()
