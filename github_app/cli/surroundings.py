"""What the terminal, the machine and other programs do to a command: signals, missing letters, closed streams."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import TypeVar

from github_app.cli.failures import ExitCode

ENOUGH_CTRL_C = 3
"""The first cancels a run, the second leaves it to be resumed; the third leaves everything at once."""
ENDING = ("SIGTERM", "SIGHUP")
CodeT = TypeVar("CodeT")


def heed_signals() -> None:
    """Ctrl-C, and being told to end, become exceptions in the main thread, so that everything is put in order."""
    interrupts = 0

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts >= ENOUGH_CTRL_C:
            os._exit(ExitCode.INTERRUPTED)
        raise KeyboardInterrupt

    def end(_number: int, _frame: object) -> None:
        from runner.cancellation import Terminated  # noqa: PLC0415 - not for --help

        raise Terminated

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    for name in ENDING:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` ignores SIGHUP: so be it
            signal.signal(number, end)


def tolerate_streams() -> None:
    """A terminal that lacks a letter shows another; what is printed to a closed stream is lost, and nothing else."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flushed(code: CodeT) -> CodeT | ExitCode:
    """The exit code, once what was printed has reached its reader; a failure if it cannot."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python itself would try again when it leaves, and print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or ExitCode.FAILED
    return code
