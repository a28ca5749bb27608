"""The preflight of an app on this machine: the app's own runtime, in a confined process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from codegen.lock import Lock
from runner.errors import DeployFailed
from runner.preflight import LARGEST_ANSWER, read_preflight

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.protocols import Preflight

ASKING_SECONDS = 300.0
"""Beside the start of ComfyUI, which the lock bounds: its own questions take less."""
POLL_SECONDS = 0.2
"""Between two looks whether it has ended, and whether the run was cancelled."""
STOP_SECONDS = 20.0
"""For ComfyUI to end; then the process group is killed."""
LOG_TAIL_BYTES = 64 * 1024


def look(app: Path, home: Path, environment: dict[str, str], tell: Callable[[str], None]) -> Preflight:
    """Start ComfyUI with a held queue, and ask it about the prompt of the folder `app`, with `shared` beside it.

    Args:
        app: a copy that nobody changes meanwhile.
        home: a folder for the log and the answer.
        environment: all that the process gets.
        tell: told about every second what ComfyUI has logged last; what it raises ends the preflight and comes out.

    Raises:
        DeployFailed: there is no answer, or ComfyUI did not get as far as being asked.
    """
    lock = Lock.model_validate_json((app / "app.lock.json").read_bytes())
    answer, log = home / "preflight.json", home / "preflight.log"
    answer.unlink(missing_ok=True)
    # The guard of the runtime ends all of its group when we are gone, or close its standard input.
    command = [sys.executable, "-I", "-S", str(app.parent / "shared" / "guard.py")]
    command += [sys.executable, "-m", "shared.preflight", str(app), str(answer)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=app.parent,  # where `shared` is, and outside any checkout
            start_new_session=True,
        )
    try:
        _wait(process, lock.timeouts.startup_seconds + ASKING_SECONDS, lambda: tell(_last_line(log)))
        with answer.open("rb") as file:
            return read_preflight(file.read(LARGEST_ANSWER + 1))
    except FileNotFoundError:
        code = process.returncode
        raise DeployFailed(
            f"the preflight ended without an answer ({code})", log=_tail(log), stage="preflight"
        ) from None
    except subprocess.TimeoutExpired as late:
        message = f"the preflight did not end within {late.timeout:.0f} s"
        raise DeployFailed(message, log=_tail(log), stage="preflight") from None
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], seconds: float, look_up: Callable[[], None]) -> None:
    began = time.monotonic()
    told = began
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return
        now = time.monotonic()
        if now - began > seconds:
            raise subprocess.TimeoutExpired("preflight", seconds)
        if now - told >= 1:
            told = now
            look_up()


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read(LOG_TAIL_BYTES).decode("utf-8", "replace")


def _last_line(log: Path) -> str:
    lines = [line for line in _tail(log).splitlines() if line.strip()]
    return lines[-1][:500] if lines else "ComfyUI is starting without a GPU"


def own_copy(folder: Path, target: Path) -> Path:
    """The app's folder with the runtime beside it, away from the worktree: what is there may change meanwhile."""
    shutil.rmtree(target, ignore_errors=True)
    for source in (folder, folder.with_name("shared")):
        if source.is_dir():
            shutil.copytree(source, target / source.name, symlinks=True)  # what they point to is not the app's
    return target / folder.name
