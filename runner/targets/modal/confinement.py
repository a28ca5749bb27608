"""Processes in which code that is not ours runs: the `app.py` of a repository, and what an app's container answers.

Such a process gets an environment of its own, no input, a folder outside any checkout, a time limit, walls (`walls`),
and a guard (`supervising`) that lets nothing of it live on. What it prints is text for people; nothing it says is
believed.
"""

from __future__ import annotations

import codecs
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runner.targets.modal.cleaning import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MOST_AT_ONCE = 4
"""Such processes of one worker. Each takes about 70 MiB and, in its first second, a whole core."""
PASSED_VARIABLES = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")
"""All that such a process gets of our environment: no token, no key, no database, no proxy."""
PYTHON = (sys.executable, "-I", "-u", "-B")
"""Isolated: no variable and no folder of the user's changes what is imported; nothing is written beside a module."""
LOOK_SECONDS = 0.25
"""Between two looks at the clock while nothing is printed."""
LEAVE_SECONDS = 10.0
"""For the guard to kill what it guards, once its lifeline is cut."""
CHUNK_BYTES = 64 * 1024
MOST_OUTPUT_BYTES = 64 * 1024 * 1024
"""A build with a dozen packs prints some megabytes. Whoever prints without end keeps a core of ours busy."""
STOPPED = 137
"""Status of what was stopped before it began: that of a killed process."""


Excess = Literal["time", "output"]


@dataclass(frozen=True)
class Ended:
    """How a confined process ended."""

    status: int
    too_much: Excess | None = None
    """Why it was not let go on."""
    stopped: bool = False
    """Somebody asked for it."""


class Confinement:
    """The confined processes of this process, by the key of whom they are for; a bounded number at a time.

    Of the folder `hidden` each of them sees only its own folder in it.
    """

    def __init__(self, hidden: Path, most: int = MOST_AT_ONCE) -> None:
        self._hidden = hidden.resolve()
        self._room = threading.Semaphore(most)
        self._guard = threading.Lock()
        self._going: dict[str, _Going] = {}

    def run(
        self,
        key: str,
        arguments: Sequence[str],
        *,
        variables: dict[str, str],
        folder: Path,
        seconds: float,
        on_line: Callable[[str], None],
        waiting: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run `python <arguments>` to its end, and give each line it prints to `on_line`.

        Args:
            key: for `stop`; one process at a time has it.
            arguments: of Python, such as `-m` and a module.
            variables: its environment, beside `PASSED_VARIABLES` and what points into `folder`.
            folder: its current folder and home, which is its own.
            seconds: the longest it may take, from when it has started.
            on_line: told each line, cut when it is too long. What it raises ends the process.
            waiting: called now and then while others have to end first. What it raises ends the waiting.
        """
        going = _Going()
        with self._guard:
            self._going[key] = going
        try:
            while not self._room.acquire(timeout=LOOK_SECONDS):
                waiting()
                if going.stopped:
                    return Ended(status=STOPPED, stopped=True)
            try:
                if going.stopped:
                    return Ended(status=STOPPED, stopped=True)
                process = _start(self._hidden, arguments, variables, folder)
                try:
                    going.begin(process)
                    too_much = _read(process, time.monotonic() + seconds, on_line)
                finally:
                    _end(process)
                return Ended(status=process.returncode, too_much=too_much, stopped=going.stopped)
            finally:
                self._room.release()
        finally:
            with self._guard:
                self._going.pop(key, None)

    def stop(self, key: str) -> bool:
        """End what runs or waits for this key; whether there is anything. Does not wait for its end."""
        with self._guard:
            going = self._going.get(key)
        if going is None:
            return False
        going.stop()
        return True


def _start(hidden: Path, arguments: Sequence[str], variables: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PYTHON, "-m", "runner.targets.modal.supervising", str(hidden), *PYTHON, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(folder, variables),
        cwd=folder,
        start_new_session=True,
    )


class _Going:
    """A process that somebody may stop: before it starts, while it runs, and after."""

    def __init__(self) -> None:
        self.stopped = False
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        with self._guard:
            self._process = process
            if self.stopped:
                _cut(process)

    def stop(self) -> None:
        with self._guard:
            self.stopped = True
            if self._process is not None:
                _cut(self._process)


def environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Everything that a process which works for Modal sees of the outside."""
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    return {
        **passed,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": "240",  # the client breaks lines that are longer, in the middle of what they say
        "GIT_DIR": os.devnull,  # the client sends what git says of the current folder, and of those above, to Modal
        **variables,
    }


def _cut(process: subprocess.Popen[bytes]) -> None:
    """The lifeline."""
    if process.stdin is not None:
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    _cut(process)
    try:
        process.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _read(process: subprocess.Popen[bytes], deadline: float, on_line: Callable[[str], None]) -> Excess | None:
    """Lines until the end of the output, or of the process; what there was too much of before."""
    assert process.stdout is not None
    source = process.stdout.fileno()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pending, room = "", MOST_OUTPUT_BYTES
    output = select.poll()  # `select` itself knows no file beyond the first 1024
    output.register(source, select.POLLIN | select.POLLHUP)
    while room > 0:
        if time.monotonic() > deadline:
            return "time"
        if not output.poll(LOOK_SECONDS * 1000):
            if process.poll() is not None:  # something of it lives on and holds the output open
                break
            continue
        chunk = os.read(source, CHUNK_BYTES)
        if not chunk:
            break
        room -= len(chunk)
        *lines, pending = (pending + decoder.decode(chunk).replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        for line in lines:
            on_line(line[: 2 * LONGEST_LINE])
        pending = pending[: 2 * LONGEST_LINE]
    else:
        return "output"
    if pending:
        on_line(pending)
    return None
