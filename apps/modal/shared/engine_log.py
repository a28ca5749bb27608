"""ComfyUI's log, read line by line: kept for error messages, and watched for what they should say."""

from __future__ import annotations

import contextlib
import re
import sys
from collections import deque
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_LINES = 2000
"""A few hundred KiB at most."""
LINE_BYTES = 16 * 1024
"""A longer line is read in pieces: a node that prints a tensor must not fill the memory."""
LINE_CHARS = 2000
"""What is kept of one."""
TAIL_LINES = 20
"""Lines an error quotes."""
MAX_REMEMBERED = 50
"""Of each thing that is watched for."""
TRACE = "Traceback (most recent call last)"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
# ComfyUI's nodes.py: the first has the reason, the second (in the table of import times) only the folder.
_CANNOT_IMPORT = re.compile(r"Cannot import (?P<path>\S.*?) module for custom nodes: (?P<reason>.+)")
_IMPORT_FAILED = re.compile(r"\(IMPORT FAILED\):? (?P<path>\S.*)")
# Its execution.py, refusing a prompt: the first up to 0.3.64, the second in later versions.
_MISSING_CLASS = re.compile(r"Cannot execute because node (?P<old>.+?) does not exist|Node '(?P<new>[^']+)' not found")


class EngineLog:
    """The log of one engine, over all its restarts."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._failed: dict[str, str] = {}
        self._missing: dict[str, None] = {}
        self._in_trace = False
        self._exception = ""

    def read(self, stream: BinaryIO) -> None:
        """Read to the end, passing every line on to our own output, where people look for it."""
        begins = True
        while raw := stream.readline(LINE_BYTES):
            text = raw.decode("utf-8", "replace")
            with contextlib.suppress(OSError, ValueError):  # nobody listens; ComfyUI must not wait for that
                sys.stdout.write(text)
                sys.stdout.flush()
            if begins:
                self.add(text)
            begins = text.endswith("\n")

    def add(self, line: str) -> None:
        """Take one line in."""
        # A progress bar draws over itself with carriage returns: the last drawing is the one people saw.
        line = _CONTROL.sub("", line.rstrip().rpartition("\r")[2])[:LINE_CHARS]
        self._lines.append(line)
        self._watch_traces(line)
        if (match := _CANNOT_IMPORT.search(line)) and len(self._failed) < MAX_REMEMBERED:
            self._failed[_folder(match["path"])] = match["reason"]
        elif (match := _IMPORT_FAILED.search(line)) and len(self._failed) < MAX_REMEMBERED:
            self._failed.setdefault(_folder(match["path"]), "import failed")
        elif (match := _MISSING_CLASS.search(line)) and len(self._missing) < MAX_REMEMBERED:
            self._missing[match["old"] or match["new"]] = None

    def tail(self) -> tuple[str, ...]:
        """The last lines, without stack traces."""
        return without_traces(tuple(self._lines))[-TAIL_LINES:]

    def import_failures(self) -> tuple[str, ...]:
        """Custom nodes that did not load, each with the reason."""
        return tuple(f"{name}: {reason}" for name, reason in tuple(self._failed.items()))

    def missing_classes(self) -> tuple[str, ...]:
        """Node classes that prompts asked for in vain."""
        return tuple(self._missing)

    def last_exception(self) -> str:
        """The exception that the log ends with, as `ValueError: no`; empty when something else came after it."""
        return self._exception

    def _watch_traces(self, line: str) -> None:
        if TRACE in line:
            self._in_trace = True
        elif self._in_trace and not line.startswith((" ", "\t")):
            self._in_trace, self._exception = False, line
        elif line:
            self._exception = ""


def without_traces(lines: Sequence[str]) -> tuple[str, ...]:
    """Drop the frames of Python stack traces; the line that names the exception stays."""
    kept: list[str] = []
    inside = False
    for line in lines:
        if line.lstrip().startswith(TRACE):
            inside = True
        elif not (inside and line.startswith((" ", "\t"))):
            inside = False
            kept.append(line)
    return tuple(kept)


def _folder(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
