"""Tells people of all runs, for as long as the process lives. Several processes may: each takes runs that none has."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Generic

from github_app.github.errors import Busy, GithubError, NotInstalled, Suspended
from github_app.telling.tellings import S, Shown
from runner.errors import DatabaseUnavailable
from runner.model import GithubRepository

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from github_app.telling.tell import Tell
    from github_app.telling.tellings import Telling, Tellings, TellingsIn
    from runner.model import RunRequest
    from runner.records import RunRecord, RunRecords

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


class TellerIn(ABC, Generic[S]):
    """One thread's work in one place."""

    def __init__(self, tellings: TellingsIn[S], records: RunRecords, clock: Callable[[], datetime]) -> None:
        self._tellings = tellings
        self._records = records
        self._clock = clock

    @abstractmethod
    def show(self, telling: Telling[S], record: RunRecord, request: RunRequest) -> None:
        """Show the run, and say in `telling` what came of it."""

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

    def pause(self) -> float:
        """Seconds between two tellings of one run."""
        return min(PAUSE_SECONDS * max(1, len(self._records.unfinished_ids())), LONGEST_PAUSE_SECONDS)

    def put_off(self, telling: Telling[S], error: str) -> None:
        """Try it again, later each time."""
        seconds = min(RETRY_SECONDS * 2 ** min(telling.shown.failures, 10), LONGEST_RETRY_SECONDS)
        telling.shown.failures += 1
        telling.failed(error, self._clock() + timedelta(seconds=seconds))

    def _one(self, telling: Telling[S]) -> None:
        try:
            record = self._records.get(telling.run_id)
            request = self._records.request(telling.run_id)
            assert isinstance(request.repo, GithubRepository), "only runs on GitHub are told of"
            self.show(telling, record, request)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # of this run only: the others are to be told of all the same
            log.exception("%s: not told", telling.run_id)
            self.put_off(telling, f"{type(error).__name__}: {error}")


class Teller(TellerIn[Shown]):
    """On GitHub."""

    def __init__(self, tellings: Tellings, records: RunRecords, tell: Tell, clock: Callable[[], datetime]) -> None:
        super().__init__(tellings, records, clock)
        self._tell = tell

    def show(self, telling: Telling[Shown], record: RunRecord, request: RunRequest) -> None:
        """Comment, check, label, deployment."""
        try:
            self._tell.run(record, request, telling.shown)
        except (NotInstalled, Suspended) as error:
            telling.given_up(str(error))
        except Busy as error:
            telling.failed(str(error), error.until)
        except GithubError as error:
            log.warning("%s: not told: %s", record.id, error)
            if error.retryable:
                self.put_off(telling, str(error))
            elif record.finished:
                telling.given_up(str(error))
            else:
                telling.told(record.revision, finished=False, pause=self.pause())
        else:
            telling.told(record.revision, finished=record.finished, pause=self.pause())
