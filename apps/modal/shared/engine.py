"""ComfyUI as a process: started, waited for, watched, restarted and stopped; or one that runs elsewhere.

Threads, not asyncio: Modal starts the app before there is an event loop, and a memory snapshot may be taken between
the two. Everything here is safe to call from any thread.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

import httpx

from shared.engine_log import EngineLog
from shared.process import STOP_SECONDS, WarmPython, describe_exit, end, spawn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

POLL_SECONDS = 0.05
"""Between two looks at a ComfyUI that is coming up: a tenth of the half second the app may add to its start."""
PROBE_SECONDS = 2.0
"""One look may take this long; a busy machine that imports torch answers late."""
LAST_WORDS_SECONDS = 0.5
"""For the end of its log to arrive when ComfyUI has died: it has the reason."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before the first restart, the second, …; the last one repeats. Only starts that fail make the next one wait longer: a
ComfyUI that came up and died later comes back soon, as those who wait for it did not kill it."""


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

    def prepare(self, *, torch: bool) -> None:
        """Do what can be done before a memory snapshot: load ComfyUI's libraries, with `torch` also those."""
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

    def prepare(self, *, torch: bool) -> None:
        """See `Engine`. It runs already."""

    def start(self) -> None:
        """See `Engine`."""
        deadline = time.monotonic() + self._startup_seconds
        with probe_client(self._status.url) as http:
            while not answers(http):
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
        self._came_up = False
        """Whether the process of this round has answered."""
        self._warm: WarmPython | None = None
        self._reader: threading.Thread | None = None

    def prepare(self, *, torch: bool) -> None:
        """See `Engine`. Only a command of the form `python script.py …` can be prepared."""
        python, *script = self._command
        if script and script[0].endswith(".py"):
            warm = WarmPython(python, cwd=self._cwd, torch=torch)
            self._read(warm.process)
            try:
                warm.wait(self._startup_seconds / 2)
                self._warm = warm
            except OSError:  # then it is started as without a snapshot
                self._clear(warm.process)

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
        if self._warm is not None:
            self._warm.close()
            self._clear(self._warm.process)
        if process is not None:
            end(process)
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
            end(process)

    def _set(self, **changes: object) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)  # pyright: ignore[reportArgumentType]
            self._changed.notify_all()

    def _supervise(self) -> None:
        failures = 0
        was_ready = False
        while not self._stopping.is_set():
            was_warm = self._warm is not None
            reason = self._run_once()
            if self._stopping.is_set():
                return
            came_up, self._came_up = self._came_up, False
            was_ready = was_ready or came_up
            if was_warm and not was_ready:
                continue  # the plain way may still work, and says more clearly why when it does not
            if not was_ready:
                # The very first start: a broken image does not heal by trying again.
                self._set(state="stopped", reason=reason)
                return
            self._set(state="down", reason=reason)
            failures = 1 if came_up else failures + 1
            self._stopping.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1])

    def _run_once(self) -> str:
        """Start the process, wait until it ends, and say why it did."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        self._set(state="starting", url=url, generation=self._status.generation + 1, reason="ComfyUI is starting")
        seconds = self._startup_seconds / (1 if self._warm is None else 2)  # then there is time for the plain way
        try:
            process = self._launch([part.replace("{port}", str(port)) for part in self._command])
        except (OSError, RuntimeError) as error:  # no memory, no file handle, no thread, no such folder
            return f"ComfyUI cannot be started: {error}"
        with self._changed:
            self._process, self._restart_reason = process, ""
        if self._stopping.is_set():
            end(process)
        reason = self._wait_until_ready(process, url, seconds)
        if reason is None:
            self._set(state="ready", reason="")
            process.wait()
            assert self._reader is not None
            self._reader.join(LAST_WORDS_SECONDS)
            reason = f"ComfyUI stopped: {describe_exit(process.returncode)}"
            self._came_up = True
            self._set(state="down", reason=self._because(reason))  # now, and not when the last child lets go of the log
        self._clear(process)
        return self._because(reason)

    def _because(self, reason: str) -> str:
        exception = self.log.last_exception()
        with self._changed:
            return self._restart_reason or (f"{reason}, after {exception}" if exception else reason)

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        warm, self._warm = self._warm, None
        if warm is not None:
            try:
                return warm.become(command[1:])
            except OSError:
                self._clear(warm.process)
        process = spawn(command, cwd=self._cwd)
        try:
            self._read(process)
        except RuntimeError:
            end(process)
            raise
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._reader = threading.Thread(target=self.log.read, args=(process.stdout,), name="engine-log", daemon=True)
        self._reader.start()

    def _clear(self, process: subprocess.Popen[bytes]) -> None:
        """End a process, and with it its log."""
        end(process)
        assert process.stdout is not None
        assert self._reader is not None
        self._reader.join(STOP_SECONDS)
        process.stdout.close()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], url: str, seconds: float) -> str | None:
        """`None` when it answers, else why it does not."""
        deadline = time.monotonic() + seconds
        with probe_client(url) as http:
            while not answers(http):
                try:
                    process.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    pass
                else:
                    return f"ComfyUI ended while starting: {describe_exit(process.returncode)}"
                if time.monotonic() > deadline:
                    return f"ComfyUI did not answer within {seconds:g} s of its start"
        return None


def probe_client(url: str) -> httpx.Client:
    """The client for `answers`: made once per start, because making one takes as long as many looks."""
    return httpx.Client(base_url=url, timeout=PROBE_SECONDS, trust_env=False)


def answers(http: httpx.Client) -> bool:
    """Whether a ComfyUI answers."""
    try:
        return http.get("/system_stats").status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
