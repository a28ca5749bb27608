"""What ended runs have left serving: one deployment of each lane, and as many previews as there is room for."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from runner.errors import DatabaseUnavailable
from runner.records import keyed_run_id

if TYPE_CHECKING:
    from datetime import datetime

    from codegen.model import AppName
    from runner.model import Lane, RunRequest
    from runner.records import RunRecord, RunRecords
    from runner.services import Services

SHORT_LIFE = timedelta(hours=1)
"""What dies so soon after it was asked for would die again."""
MOST_SHORT_LIVES = 3
"""In a row, of what was brought back into production; then it is left to people."""
FIRST_PAUSE = timedelta(minutes=10)
"""Before production is brought back once more after a short life; doubled each time."""

log = logging.getLogger(__name__)


class Ask(Protocol):
    """`runner.runs.Runs.ask`."""

    def __call__(
        self, request: RunRequest, name: AppName, *, key: str, not_before: datetime | None = None
    ) -> RunRecord:
        """Note that a run is wanted."""
        ...


class Serving:
    """The deployments of ended runs, in any process."""

    def __init__(self, records: RunRecords, services: Services, ask: Ask) -> None:
        self._records = records
        self._services = services
        self._ask = ask

    def stop(self, record: RunRecord) -> None:
        """End what a run has left serving. Idempotent."""
        self._services.target.stop(record.id)
        self._records.endpoint_gone(record.id)

    def replace_older(self, record: RunRecord) -> None:
        """What older runs of the same app left serving makes way for what this one does."""
        for older in self._records.serving(record.lane):
            if older.number < record.number:
                self.stop(older)

    def make_room(self) -> None:
        """The previews that were left serving first make way when there are too many for this machine."""
        if self._services.most_previews is not None:
            for older in self._records.serving_previews()[self._services.most_previews :]:
                self.stop(older)

    def restore(self) -> None:
        """Bring back into production what has died there, such as with the machine; previews that died are told of.

        What is to make way does: of several deployments of one lane all but the newest, and previews that are too many.
        Whoever was to see to that may have died just then.
        """
        newest: set[Lane] = set()
        for record in self._records.left_serving():
            try:
                if self._services.target.serves(record.id):
                    if record.lane in newest:
                        self.stop(record)
                    newest.add(record.lane)
                elif record.environment == "production":
                    self._bring_back(record)
                else:
                    self._records.endpoint_gone(record.id)
            except DatabaseUnavailable:
                raise
            except Exception:  # of this one only: the others are looked after all the same
                log.exception("%s: looking after what it left serving", record.id)
        self.make_room()

    def _bring_back(self, record: RunRecord) -> None:
        """Ask for it again if it is what production should be, and does not die time after time."""
        if self._records.unfinished(record.lane):
            return  # which takes its place; how it ends is seen next time
        served = self._records.succeeded(record.lane)
        if served and served[0].id == record.id:
            now = self._services.clock()
            lives = _short_lives(served, now)
            if lives < MOST_SHORT_LIVES:
                due = now + FIRST_PAUSE * 2 ** (lives - 1) if lives else None
                self._ask(self._records.request(record.id), record.name, key=_restoring(record), not_before=due)
            else:
                log.error(
                    "%s of %s is not brought back into production any more: %d times in a row it died within an hour",
                    record.name, record.repo, lives,
                )  # fmt: skip
        self._records.endpoint_gone(record.id)


def _restoring(record: RunRecord) -> str:
    return f"restore {record.id}"


def _short_lives(served: tuple[RunRecord, ...], now: datetime) -> int:
    """How often in a row, up to `now`, what was brought back has died soon. `served`: of one lane, newest first."""
    died, count = now, 0
    for life, before in pairwise(served):
        if life.id != keyed_run_id(_restoring(before)) or died - life.created_at > SHORT_LIFE:
            break
        died, count = life.created_at, count + 1
    return count
