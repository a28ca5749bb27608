"""Tells people of all runs, for as long as the process lives. Several processes may: each takes runs that none has."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from github_app.github.errors import Busy, GithubError, NotInstalled, Suspended
from runner.errors import DatabaseUnavailable
from runner.model import GithubRepository

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from github_app.telling.tell import Tell
    from github_app.telling.tellings import Telling, Tellings
    from runner.records import RunRecords

POLL_SECONDS = 0.5
"""Between two looks when there is nothing to tell: one query on a small index."""
PAUSE_SECONDS = 3.0
"""Between two tellings of one run that goes on: GitHub counts every edit, and people read slower. With every other run
that goes on it is that much longer, since what GitHub takes is shared."""
LONGEST_PAUSE_SECONDS = 30.0
RETRY_SECONDS = 5.0
"""After a failure that may pass, as most of GitHub's do soon; after the second in a row twice as long, and so on."""
LONGEST_RETRY_SECONDS = 3600.0
LOST_SECONDS = 5.0
"""Before the next look when the database could not be reached."""

log = logging.getLogger(__name__)


class Teller:
    """One thread's work."""

    def __init__(self, tellings: Tellings, records: RunRecords, tell: Tell, clock: Callable[[], datetime]) -> None:
        self._tellings = tellings
        self._records = records
        self._tell = tell
        self._clock = clock

    def serve(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            try:
                if not self.once():
                    stop.wait(POLL_SECONDS)
            except DatabaseUnavailable as error:
                log.warning("%s", error)
                stop.wait(LOST_SECONDS)
            except Exception:  # of finding the next one: those of one run are dealt with below
                log.exception("telling")
                stop.wait(LOST_SECONDS)

    def once(self) -> bool:
        """Tell of one run; whether there was one."""
        with self._tellings.next(self._clock()) as telling:
            if telling is None:
                return False
            self._one(telling)
        return True

    def _one(self, telling: Telling) -> None:
        try:
            self._show(telling)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # of this run only: the others are to be told of all the same
            log.exception("%s: not told", telling.run_id)
            self._put_off(telling, f"{type(error).__name__}: {error}")

    def _show(self, telling: Telling) -> None:
        record = self._records.get(telling.run_id)
        request = self._records.request(telling.run_id)
        assert isinstance(request.repo, GithubRepository), "only runs on GitHub are told of"
        try:
            self._tell.run(record, request, telling.shown)
        except (NotInstalled, Suspended) as error:
            telling.given_up(str(error))
        except Busy as error:
            telling.failed(str(error), error.until)
        except GithubError as error:
            log.warning("%s: not told: %s", record.id, error)
            if error.retryable:
                self._put_off(telling, str(error))
            elif record.finished:
                telling.given_up(str(error))
            else:
                telling.told(record.revision, finished=False, pause=self._pause())
        else:
            telling.told(record.revision, finished=record.finished, pause=self._pause())

    def _pause(self) -> float:
        return min(PAUSE_SECONDS * max(1, len(self._records.unfinished_ids())), LONGEST_PAUSE_SECONDS)

    def _put_off(self, telling: Telling, error: str) -> None:
        seconds = min(RETRY_SECONDS * 2 ** min(telling.shown.failures, 10), LONGEST_RETRY_SECONDS)
        telling.shown.failures += 1
        telling.failed(error, self._clock() + timedelta(seconds=seconds))
