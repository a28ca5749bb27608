"""How a run is told to end: in its own process at once, from another one through its row."""

from __future__ import annotations

import threading

from runner.errors import DatabaseUnavailable, RunCancelled


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM, SIGHUP): it leaves its run to be resumed, where Ctrl-C would cancel it."""


class Cancellation:
    """One per execution of a run. Set once, from any thread; looked at between and within steps."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._guard = threading.Lock()
        self._error: RunCancelled | DatabaseUnavailable | None = None

    def cancel(self, reason: str) -> None:
        """End the run as `cancelled`; the first reason wins."""
        self._give(RunCancelled(reason))

    def disown(self, why: str) -> None:
        """The run may be another process' by now: stop at once and record nothing."""
        self._give(DatabaseUnavailable(f"{why}; `flowberth runs resume` goes on with the run"))

    def check(self) -> None:
        """Pass while the run may go on.

        Raises:
            RunCancelled: it has been cancelled.
            DatabaseUnavailable: this process does not own the run any more.
        """
        if self._error is not None:
            raise self._error

    @property
    def is_set(self) -> bool:
        """Whether `check` raises."""
        return self._set.is_set()

    def _give(self, error: RunCancelled | DatabaseUnavailable) -> None:
        with self._guard:
            if self._error is None:
                self._error = error
                self._set.set()
