"""Reading what the person names: bounded, and only real files."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from github_app.cli.failures import CommandError

MAX_BYTES = 25 * 1024 * 1024
"""The largest file GitHub takes as an attachment to an issue; `codegen.strict_json` has the same limit."""
STDIN = "-"
STDIN_NAME = "workflow.json"
ACCEPTED = (
    "Accepted are a workflow saved from ComfyUI (JSON), its API export (JSON), and a PNG that ComfyUI wrote, "
    "up to 25 MiB; `-` reads standard input."
)


_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""Opening neither waits for a pipe's other end nor adopts a terminal; each flag exists where it is needed."""


@dataclass(frozen=True)
class WorkflowFile:
    """A submission as read from disk or standard input."""

    filename: str
    data: bytes


def read_workflow(name: str) -> WorkflowFile:
    """The file called `name`, or standard input for `-`. Never holds more than the limit and one byte.

    Raises:
        CommandError: it is missing, unreadable, no regular file, or too large.
    """
    if name == STDIN:
        return WorkflowFile(STDIN_NAME, _within_limit("standard input", sys.stdin.buffer.read(MAX_BYTES + 1)))
    filename = os.fsencode(Path(name).name).decode("utf-8", "replace")
    return WorkflowFile(filename, read_file(Path(name), limit=MAX_BYTES, hint=ACCEPTED))


def read_file(path: Path, *, limit: int, hint: str) -> bytes:
    """The bytes of a regular file. Opened without waiting, so that a pipe or a device cannot make us hang.

    Raises:
        CommandError: it is missing, unreadable, no regular file, or larger than `limit` bytes.
    """
    try:
        handle = os.open(path, _OPEN_FLAGS)
    except FileNotFoundError:
        raise CommandError(f"{path}: there is no such file", hint=hint) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}", hint=hint) from None
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise CommandError(f"{path}: is a folder, not a file", hint=hint)
        if not stat.S_ISREG(mode):
            raise CommandError(f"{path}: is a pipe, socket or device, not a file", hint=hint)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return _within_limit(str(path), file.read(limit + 1), limit, hint)
    finally:
        os.close(handle)


def _within_limit(what: str, data: bytes, limit: int = MAX_BYTES, hint: str = ACCEPTED) -> bytes:
    if len(data) > limit:
        raise CommandError(f"{what}: is larger than {limit // 1024 // 1024} MiB", hint=hint)
    return data
