"""Carries out runs as they are asked for, several at a time, until told to stop.

Any number of processes may do this on one database: the lease of a run's lane decides who has it. A run whose process
has died holds no lease, so it is due again at once, wherever there is room: that is all there is to recovery.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import DatabaseUnavailable, RunnerError

if TYPE_CHECKING:
    from runner.model import RunId
    from runner.records import RunRecord
    from runner.runs import Runs

POLL_SECONDS = 0.5
"""Between two looks at what is due; two short queries."""
LOST_SECONDS = 5.0
"""Before the next look when the database could not be reached; also before the first new try of a run that could not be
carried out."""
LONGEST_REST_SECONDS = 600.0
"""Between two tries of a run that cannot be carried out time after time."""

log = logging.getLogger(__name__)


class _Rest(NamedTuple):
    """Of a run that could not be carried out."""

    until: float
    """On the monotonic clock."""
    seconds: float


class RunPool:
    """The runs of one process."""

    def __init__(self, runs: Runs, size: int) -> None:
        self._runs = runs
        self._size = size
        self._mine: set[RunId] = set()
        self._resting: dict[RunId, _Rest] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()

    def serve(self, stop: threading.Event) -> None:
        """Until `stop` is set; then all runs are left as they are on record, for another process to go on with."""
        with ThreadPoolExecutor(self._size, thread_name_prefix="run") as threads:
            while not stop.is_set():
                patience = POLL_SECONDS
                try:
                    for record in self._runs.due():
                        if self._take(record):
                            threads.submit(self._carry_out, record)
                except DatabaseUnavailable as error:
                    log.warning("%s", error)
                    patience = LOST_SECONDS
                except Exception:
                    log.exception("looking for what is due")
                    patience = LOST_SECONDS
                self._wake.wait(patience)
                self._wake.clear()
            self._runs.abandon()

    def wake(self) -> None:
        """Look at once: something may be due, or is to stop."""
        self._wake.set()

    def _take(self, record: RunRecord) -> bool:
        with self._guard:
            rest = self._resting.get(record.id)
            resting = rest is not None and time.monotonic() < rest.until
            if resting or record.id in self._mine or len(self._mine) >= self._size:
                return False
            self._mine.add(record.id)
            return True

    def _carry_out(self, record: RunRecord) -> None:
        rest: _Rest | None = None
        try:
            self._runs.go_on(record)
        except RunnerError as error:
            log.warning("%s: left as it is on record: %s", record.id, error)
            rest = _Rest(time.monotonic() + LOST_SECONDS, LOST_SECONDS)
        except Exception:
            log.exception("%s: left as it is on record", record.id)
            rest = self._rest(record)
        finally:
            with self._guard:
                self._mine.discard(record.id)
                if rest is None:
                    self._resting.pop(record.id, None)
                else:
                    self._resting[record.id] = rest
            self._wake.set()

    def _rest(self, record: RunRecord) -> _Rest:
        before = self._resting.get(record.id)
        seconds = LOST_SECONDS if before is None else min(2 * before.seconds, LONGEST_REST_SECONDS)
        return _Rest(time.monotonic() + seconds, seconds)
