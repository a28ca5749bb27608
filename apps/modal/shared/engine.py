"""ComfyUI as a process: started, waited for, watched, restarted and stopped; or one that runs elsewhere.

Threads, not asyncio: Modal starts the app before there is an event loop, and a memory snapshot may be taken between
the two. Everything here is safe to call from any thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import httpx

from shared.engine_log import EngineLog

if TYPE_CHECKING:
    from collections.abc import Sequence

GUARD = Path(__file__).with_name("guard.py")
POLL_SECONDS = 0.05
"""Between two looks at a ComfyUI that is coming up: a tenth of the half second the app may add to its start."""
PROBE_SECONDS = 2.0
"""One look may take this long; a busy machine that imports torch answers late."""
STOP_SECONDS = 10.0
"""The guard's own grace period, doubled; then the group is killed."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before the first restart, the second, …; the last one repeats."""
STABLE_SECONDS = 60.0
"""A ComfyUI that ran this long was sound: the next death starts the backoff anew."""
SECRET_PREFIXES = ("FLOWBERTH_", "MODAL_TOKEN_")
"""Variables that ComfyUI does not get: custom nodes are other people's code."""


class EngineFailed(RuntimeError):  # noqa: N818 - reads as the sentence that is shown
    """ComfyUI did not come up. The message has the reason and the last lines of its log."""


@dataclass(frozen=True)
class EngineStatus:
    """Where the engine is and how it does."""

    state: Literal["starting", "ready", "down", "stopped"]
    url: str
    generation: int
    """Counts starts: a job that sees it change has lost its ComfyUI."""
    reason: str = ""
    """Why it is down."""


class Engine(Protocol):
    """What the service needs of an engine."""

    @property
    def log(self) -> EngineLog:
        """What it printed; empty of one that runs elsewhere."""
        ...

    def start(self) -> None:
        """Return when it answers.

        Raises:
            EngineFailed: it does not.
        """
        ...

    def stop(self) -> None:
        """End it, if it is ours. Idempotent."""
        ...

    def status(self) -> EngineStatus:
        """How it does now."""
        ...

    def wait_ready(self, seconds: float) -> EngineStatus:
        """Wait until it is ready (or stopped for good) and return the status at that time."""
        ...

    def wait_change(self, generation: int, seconds: float) -> EngineStatus:
        """Wait until start number `generation` is over, or the time is."""
        ...

    def restart(self, reason: str) -> None:
        """End a ComfyUI that hangs; it is started again."""
        ...


class RemoteEngine:
    """A ComfyUI that somebody else runs. It can be waited for, not restarted."""

    def __init__(self, url: str, *, startup_seconds: float) -> None:
        self._status = EngineStatus("starting", url.rstrip("/"), generation=1)
        self._startup_seconds = startup_seconds
        self.log = EngineLog()

    def start(self) -> None:
        """See `Engine`."""
        deadline = time.monotonic() + self._startup_seconds
        while not answers(self._status.url):
            if time.monotonic() > deadline:
                raise EngineFailed(f"ComfyUI at {self._status.url} did not answer in {self._startup_seconds:g} s")
            time.sleep(POLL_SECONDS)
        self._status = replace(self._status, state="ready")

    def stop(self) -> None:
        """See `Engine`."""
        self._status = replace(self._status, state="stopped", reason="the app has stopped")

    def status(self) -> EngineStatus:
        """See `Engine`."""
        return self._status

    def wait_ready(self, seconds: float) -> EngineStatus:
        """See `Engine`."""
        del seconds  # whether it answers shows in the next request
        return self._status

    def wait_change(self, generation: int, seconds: float) -> EngineStatus:
        """See `Engine`."""
        del generation, seconds
        return self._status

    def restart(self, reason: str) -> None:
        """See `Engine`."""
        del reason


class EngineProcess:
    """A ComfyUI of our own, supervised by one thread."""

    def __init__(self, command: Sequence[str], *, cwd: Path | None = None, startup_seconds: float) -> None:
        self._command = tuple(command)
        self._cwd = cwd
        self._startup_seconds = startup_seconds
        self._changed = threading.Condition()
        self._status = EngineStatus("starting", "", generation=0)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._restart_reason = ""
        self.log = EngineLog()
        self._supervisor: threading.Thread | None = None

    def start(self) -> None:
        """See `Engine`."""
        self._supervisor = threading.Thread(target=self._supervise, name="engine-supervisor", daemon=True)
        self._supervisor.start()
        with self._changed:
            self._changed.wait_for(lambda: self._status.state in {"ready", "stopped"})
            status = self._status
        if status.state != "ready":
            self.stop()
            raise EngineFailed("\n".join((status.reason, *self.log.tail())))

    def stop(self) -> None:
        """See `Engine`."""
        self._stopping.set()
        with self._changed:
            process = self._process
        if process is not None:
            _end(process)
        if self._supervisor is not None:
            self._supervisor.join()
        self._set(state="stopped", reason=self._status.reason or "the app has stopped")

    def status(self) -> EngineStatus:
        """See `Engine`."""
        with self._changed:
            return self._status

    def wait_ready(self, seconds: float) -> EngineStatus:
        """See `Engine`."""
        with self._changed:
            self._changed.wait_for(lambda: self._status.state in {"ready", "stopped"}, seconds)
            return self._status

    def wait_change(self, generation: int, seconds: float) -> EngineStatus:
        """See `Engine`."""

        def over() -> bool:
            return self._status.state != "ready" or self._status.generation != generation

        with self._changed:
            self._changed.wait_for(over, seconds)
            return self._status

    def restart(self, reason: str) -> None:
        """See `Engine`."""
        with self._changed:
            self._restart_reason = reason
            process = self._process
        if process is not None:
            _end(process)

    def _set(self, **changes: object) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)  # pyright: ignore[reportArgumentType]
            self._changed.notify_all()

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            if self._status.state == "starting" and self._status.generation == 1:
                # The very first start: a broken image does not heal by trying again.
                self._set(state="stopped", reason=reason)
                return
            self._set(state="down", reason=reason)
            failures = 1 if time.monotonic() - started > STABLE_SECONDS else failures + 1
            self._stopping.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1])

    def _run_once(self) -> str:
        """Start the process, wait until it ends, and say why it did."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        self._set(state="starting", url=url, generation=self._status.generation + 1, reason="ComfyUI is starting")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), *(part.replace("{port}", str(port)) for part in self._command)],
            cwd=self._cwd,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with self._changed:
            self._process, self._restart_reason = process, ""
        if self._stopping.is_set():
            _end(process)
        assert process.stdout is not None
        reader = threading.Thread(target=self.log.read, args=(process.stdout,), name="engine-log", daemon=True)
        reader.start()
        reason = self._wait_until_ready(process, url)
        if reason is None:
            self._set(state="ready", reason="")
            process.wait()
            reason = f"ComfyUI stopped: {describe_exit(process.returncode)}"
        _end(process)
        reader.join(STOP_SECONDS)
        process.stdout.close()
        exception = self.log.last_exception()
        with self._changed:
            return self._restart_reason or (f"{reason}, after {exception}" if exception else reason)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], url: str) -> str | None:
        """`None` when it answers, else why it does not."""
        deadline = time.monotonic() + self._startup_seconds
        while not answers(url):
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                return f"ComfyUI ended while starting: {describe_exit(process.returncode)}"
            if time.monotonic() > deadline:
                return f"ComfyUI did not answer within {self._startup_seconds:g} s of its start"
        return None


def answers(url: str) -> bool:
    """Whether a ComfyUI answers at `url`."""
    try:
        return httpx.get(f"{url}/system_stats", timeout=PROBE_SECONDS, trust_env=False).status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def describe_exit(code: int) -> str:
    """An exit code in words; signals come as -n from a direct child and as 128 + n through the guard."""
    number = -code if code < 0 else code - 128
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        return f"killed by {name}, most likely for lack of memory" if name == "SIGKILL" else f"killed by {name}"
    return f"exit code {code}"


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(SECRET_PREFIXES)}
    return kept | {"PYTHONUNBUFFERED": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the guard and everything in its group. Idempotent."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says "permission" of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
