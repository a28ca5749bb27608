"""Faults on demand: of calls, of image builds and of functions."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from grpclib import GRPCError, Status
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

When = Literal["before", "after"]


@dataclass
class Fault:
    """Strikes calls of one method.

    before: refused without effect; after: with its effect, of which the answer never comes. Both are told by `status`, or by a
    connection that is cut when there is none. With `seconds` it is late, with `retry_after` it asks for patience
    (RESOURCE_EXHAUSTED). With the status OK nothing is wrong but the time: its effect is late, or (after) its answer alone.
    """

    method: str  # such as AppPublish; "*": any
    status: str | None = "UNAVAILABLE"
    message: str = "injected by the test"
    when: When = "before"
    times: int | None = 1  # None: always
    skip: int = 0  # so many matching calls pass first
    seconds: float = 0.0
    retry_after: float | None = None
    match: str = ""  # regex over the message's text form
    workspace: str | None = None
    struck: int = 0

    def applies(self, method: str, workspace: str | None, message: Message | None) -> bool:
        return (
            self.method in ("*", method)
            and self.workspace in (None, workspace)
            and (self.times is None or self.struck < self.times)
            and (not self.match or re.search(self.match, str(message)) is not None)
        )

    def error(self) -> GRPCError | None:
        if self.status is None or self.status == "OK":
            return None
        details = [] if self.retry_after is None else [api_pb2.RPCRetryPolicy(retry_after_secs=self.retry_after)]
        return GRPCError(Status[self.status], self.message, details)


@dataclass
class Build:
    """What becomes of the layers whose commands match: what they print, how long they take, whether they fail."""

    match: str  # regex over the layer's commands, joined by newlines
    log: tuple[str, ...] = ()
    fails: bool = True
    error: str = ""
    """What Modal says of the failure, beside the log."""
    status: str = "FAILURE"  # or TIMEOUT, TERMINATED, INTERNAL_FAILURE
    seconds: float = 0.0
    times: int | None = None  # None: always
    workspace: str | None = None
    struck: int = 0


@dataclass
class Outcome:
    """What becomes of calls of a function, which no container sees: an error, or what it would have done."""

    function: str  # such as fetch_models
    error: str = ""
    """What it prints, the last line of which it raises."""
    effect: Callable[[], object] = bool
    """Otherwise: what it does. It gives None."""
    times: int | None = None  # None: always
    struck: int = 0


@dataclass
class Faults:
    calls: list[Fault] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        self.calls.clear()
        self.builds.clear()
        self.outcomes.clear()

    def strikes(self, method: str, workspace: str | None, message: Message | None) -> Fault | None:
        with self._lock:
            for fault in self.calls:
                if not fault.applies(method, workspace, message):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None

    def outcome(self, function: str) -> Outcome | None:
        with self._lock:
            for outcome in self.outcomes:
                if outcome.function == function and (outcome.times is None or outcome.struck < outcome.times):
                    outcome.struck += 1
                    return outcome
        return None

    def build(self, commands: str, workspace: str) -> Build | None:
        with self._lock:
            for build in self.builds:
                if build.workspace not in (None, workspace) or (
                    build.times is not None and build.struck >= build.times
                ):
                    continue
                if re.search(build.match, commands):
                    build.struck += 1
                    return build
        return None
