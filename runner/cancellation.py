"""How a run is told to end: in its own process at once, from another one through its row."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runner.errors import DatabaseUnavailable, RunCancelled

if TYPE_CHECKING:
    from runner.budget.errors import UsedUp


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM, SIGHUP): it leaves its run to be resumed, where Ctrl-C would cancel it."""


class Cancellation:
    """One per execution of a run. Set once, from any thread; looked at between and within steps."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._guard = threading.Lock()
        self._error: RunCancelled | UsedUp | DatabaseUnavailable | None = None

    def cancel(self, reason: str) -> None:
        """End the run as `cancelled`; the first reason wins."""
        self._give(RunCancelled(reason))

    def stop(self, why: UsedUp) -> None:
        """End the run as `over-budget`."""
        self._give(why)

    def disown(self, why: str) -> None:
        """The run may be another process' by now: stop at once and record nothing."""
        self._give(DatabaseUnavailable(f"{why}; `flowberth runs resume` goes on with the run"))

    def check(self) -> None:
        """Pass while the run may go on.

        Raises:
            RunCancelled: it has been cancelled.
            runner.budget.errors.UsedUp: it has come to the end of what it may cost.
            DatabaseUnavailable: this process does not own the run any more.
        """
        if self._error is not None:
            raise self._error

    @property
    def is_set(self) -> bool:
        """Whether `check` raises."""
        return self._set.is_set()

    def _give(self, error: RunCancelled | UsedUp | DatabaseUnavailable) -> None:
        with self._guard:
            if self._error is None:
                self._error = error
                self._set.set()
