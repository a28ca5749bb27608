"""Runs one command that never outlives its parent: `python -I -S guard.py COMMAND…`.

The parent starts this script in a process group of its own and holds the only other end of its standard input. When
that pipe closes, because the parent said so or because it was killed, the whole group is ended: first asked, then
killed. Without it a killed app would leave a ComfyUI behind that holds the GPU. The exit code is the command's
(128 + n when signal n ended it, as in a shell).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 5
"""ComfyUI has nothing to save; this is for a custom node's own child processes."""


def main(command: list[str]) -> int:
    """Run `command` until it ends or standard input closes."""
    # A handler, not SIG_IGN: an ignored signal would stay ignored in the command.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _carry_on)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stdout.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _carry_on(number: int, frame: object) -> None:
    """The parent closes the pipe when it means it."""


def _end_with_parent(child: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not sys.stdin.read(): a lock held at exit is a fatal error of Python
        pass
    os.killpg(0, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
