"""ComfyUI's log, read line by line: kept for error messages, and watched for what they should say."""

from __future__ import annotations

import contextlib
import re
import sys
from collections import deque
from dataclasses import dataclass
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
TRACE_LINES = 400
"""Of the log before a failed import, at most: where its stack trace is looked for."""
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
# ComfyUI's nodes.py: the last (in the table of import times) has only the folder, the others have the reason.
_NOT_IMPORTED = (
    re.compile(r"Cannot import (?P<path>\S.*?) module for custom nodes:(?P<reason>.*)"),
    re.compile(r"Skip (?P<path>\S.*?) module for custom nodes (?P<reason>due to .+)"),
    re.compile(r"Error while calling comfy_entrypoint in (?P<path>\S.*?): (?P<reason>.+)"),
    re.compile(r"comfy_entrypoint in (?P<path>\S.*?) (?P<reason>(?:is not callable|did not return).+)"),
)
_IMPORT_FAILED = re.compile(r"\(IMPORT FAILED\):? (?P<path>\S.*)")
_CORE_FOLDERS = ("comfy_extras", "comfy_api_nodes")
"""Nodes of ComfyUI itself that are loaded in the same way."""
# Its execution.py, refusing a prompt: the first up to 0.3.64, the second in later versions.
_MISSING_CLASS = re.compile(r"Cannot execute because node (?P<old>.+?) does not exist|Node '(?P<new>[^']+)' not found")


@dataclass(frozen=True)
class FailedImport:
    """Custom nodes that did not load."""

    pack: str
    """Their folder; with `comfy_extras/` or `comfy_api_nodes/` before it when they are ComfyUI's own."""
    reason: str
    traceback: str
    """Empty when there was none in the log."""


class EngineLog:
    """The log of one engine, over all its restarts."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._failed: dict[str, FailedImport] = {}
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
        if len(self._failed) < MAX_REMEMBERED:
            self._watch_imports(line)
        if (match := _MISSING_CLASS.search(line)) and len(self._missing) < MAX_REMEMBERED:
            self._missing[match["old"] or match["new"]] = None

    def tail(self) -> tuple[str, ...]:
        """The last lines, without stack traces."""
        return without_traces(tuple(self._lines))[-TAIL_LINES:]

    def whole_tail(self, lines: int) -> tuple[str, ...]:
        """The last lines as they came, stack traces included."""
        return tuple(self._lines)[-lines:]

    def failed_imports(self) -> tuple[FailedImport, ...]:
        """Custom nodes that did not load."""
        return tuple(self._failed.values())

    def import_failures(self) -> tuple[str, ...]:
        """The same in a line each, with the reason."""
        return tuple(f"{failed.pack}: {failed.reason}" for failed in self.failed_imports())

    def missing_classes(self) -> tuple[str, ...]:
        """Node classes that prompts asked for in vain."""
        return tuple(self._missing)

    def last_exception(self) -> str:
        """The exception that the log ends with, as `ValueError: no`; empty when something else came after it."""
        return self._exception

    def _watch_imports(self, line: str) -> None:
        match = next((match for pattern in _NOT_IMPORTED if (match := pattern.search(line))), None)
        if match is not None:
            # only the first is logged after a stack trace; what is before the others is of something else
            trace = _trace_before_end(tuple(self._lines)[-TRACE_LINES:-1]) if match.re is _NOT_IMPORTED[0] else ()
            reason = match["reason"].strip() or (trace[-1] if trace else "import failed")
            pack = _folder(match["path"])
            self._failed[pack] = FailedImport(pack, reason, "\n".join(trace))
        elif match := _IMPORT_FAILED.search(line):
            pack = _folder(match["path"])
            self._failed.setdefault(pack, FailedImport(pack, "import failed", ""))

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


def _trace_before_end(lines: Sequence[str]) -> tuple[str, ...]:
    """The stack trace that the lines end with, and those that it says were its cause; empty when they end otherwise.

    What a pack prints while its exception is on its way comes before the trace: ComfyUI logs that as the last thing.
    """
    # a multi-line message of another pack's failure, or one without a trace, ends the search
    others = [index for index, line in enumerate(lines) if any(pattern.search(line) for pattern in _NOT_IMPORTED)]
    lines = lines[others[-1] + 1 :] if others else lines
    begins = len(lines)
    while (at := _last_trace(lines, begins)) is not None:
        begins = at
        above = [line for line in lines[max(0, begins - 2) : begins] if line]
        if not (above and above[-1].startswith(_CHAINED)):
            return _stripped(lines[begins:])
    return _stripped(lines[begins:])


def _last_trace(lines: Sequence[str], before: int) -> int | None:
    return next((index for index in range(before - 1, -1, -1) if TRACE in lines[index]), None)


def _stripped(lines: Sequence[str]) -> tuple[str, ...]:
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def _folder(path: str) -> str:
    above, _, name = path.rstrip("/").rpartition("/")
    parent = above.rpartition("/")[2]
    return f"{parent}/{name}" if parent in _CORE_FOLDERS else name
