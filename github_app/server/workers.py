"""Worker processes beside the HTTP process: started, started again when they die, ended with it.

The standard input of a worker is its lifeline: a pipe whose other end only the HTTP process holds. However that one
ends, the kernel closes the pipe, and the worker goes too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = (sys.executable, "-P", "-c", "from github_app.cli import main; main()", "worker", "--lifeline")
"""`-P`: the folder this runs in is not searched for modules."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""Before a worker that keeps dying is started again; doubled each time."""
STEADY_SECONDS = 60.0
"""A worker that has lived this long had started well; its death is a new story."""
GRACE_SECONDS = 30.0
"""For workers to put their runs away; a step that is under way is left, and taken up again at the next start."""
STDERR = 2

log = logging.getLogger(__name__)


class Workers:
    """A number of them."""

    def __init__(self, count: int, command: Sequence[str] = COMMAND, *, grace: float = GRACE_SECONDS) -> None:
        self._command = list(command)
        self._grace = grace
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [
            threading.Thread(target=self._keep, args=(number,), name=f"worker {number}") for number in range(count)
        ]

    def start(self) -> None:
        """Start them; they come up in the background."""
        for thread in self._threads:
            thread.start()

    def pids(self) -> tuple[int, ...]:
        """Of those that live."""
        with self._guard:
            return tuple(process.pid for process in self._processes.values() if process.poll() is None)

    def stop(self) -> None:
        """Ask all to end, wait for them, and kill those that do not within the grace. Idempotent."""
        self._stopping.set()
        with self._guard:
            self._signal(signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._guard:
            if self._signal(signal.SIGKILL):
                log.warning("workers did not end within %.0f s and were killed", self._grace)
        for thread in self._threads:
            thread.join()

    def _signal(self, number: signal.Signals) -> int:
        living = [process for process in self._processes.values() if process.poll() is None]
        for process in living:
            process.send_signal(number)
        return len(living)

    def _keep(self, number: int) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            with self._guard:
                if self._stopping.is_set():
                    return
                process = self._spawn()
                self._processes[number] = process
            code = process.wait()
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            if self._stopping.is_set():
                return
            if time.monotonic() - started >= STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.warning("worker %d ended with %d; a new one starts in %.1f s", process.pid, code, pause)
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes]:
        # A process group of its own: Ctrl-C in the terminal is for us, and we tell them. Our stdout is for results.
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=STDERR, process_group=0)


def end_with_parent(grace: float = GRACE_SECONDS) -> None:
    """In a worker: end when standard input does. First as if told to (SIGTERM), then for certain."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 1024):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
