"""The guard of a confined process: `python -I -m runner.targets.modal.supervising HIDDEN COMMAND …`.

The command runs behind `walls`: of the folder HIDDEN it sees nothing but the current folder, which is in it.

Ends with the command, and leaves nothing of it behind: not what it forked, not what moved into a session of its own.
Standard input is a lifeline: when its other end closes, whoever started this is dead or wants an end, and the command
is killed. The status is the command's own; 128 and the number of the signal that ended it.

Imports nothing but the standard library: it is there as often as a command is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from runner.targets.modal.walls import stand_behind_walls

MOST_MEMORY_BYTES = 4 * 1024**3
"""Address space of each process. Modal's client takes about 1 GiB of it, and 70 MiB of memory."""
MOST_PROCESSES = 4096
"""Of this user, threads counted: a fork bomb ends there. Has no meaning for root."""
LARGEST_FILE_BYTES = 1024**3
LOOK_SECONDS = 0.05
"""Between two looks whether the command has ended, where the system cannot tell."""
KILLED = 128

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Become the parent of what the command leaves behind, so that it can be found. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def limit() -> None:
    """For this process and all that come from it."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: LARGEST_FILE_BYTES,
        resource.RLIMIT_AS: MOST_MEMORY_BYTES,
        resource.RLIMIT_NPROC: MOST_PROCESSES,
    }
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that does not know this one
            resource.setrlimit(kind, (value, value))


def children() -> list[int]:
    """Processes whose parent is this one."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(int(entry.parent.name))
    return found


def kill_all(command: subprocess.Popen[bytes]) -> None:
    """Until nothing is left: what is killed hands its own children to this process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(command.pid, signal.SIGKILL)
    while left := children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.001)
    command.poll()
    _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main() -> int:
    """Entry point."""
    adopt_orphans()
    limit()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is for whoever holds the lifeline
    hidden, *arguments = sys.argv[1:]
    own = Path.cwd()
    command = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=lambda: stand_behind_walls(own, Path(hidden)),  # noqa: PLW1509 - this process has one thread
    )
    ends = [os.pidfd_open(command.pid)] if hasattr(os, "pidfd_open") else []
    status: int | None = None
    lifeline = True
    while status is None and lifeline:
        readable, _, _ = select.select([0, *ends], [], [], None if ends else LOOK_SECONDS)
        lifeline = not (0 in readable and not os.read(0, 4096))
        status = command.poll()
    kill_all(command)
    if status is None:
        return KILLED + signal.SIGKILL
    return status if status >= 0 else KILLED - status


if __name__ == "__main__":
    sys.exit(main())
