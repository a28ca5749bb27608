"""While a run is carried out: notices that somebody wants it to end, or that its lease is lost."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from runner.records import wanted_end

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.lease import Lease

WATCH_SECONDS = 0.2
"""How often a run looks whether somebody wants it to end; also how soon it notices a lost database connection."""

log = logging.getLogger(__name__)


class Watch:
    """A thread beside the run's own, for as long as the `with` block lasts."""

    def __init__(self, run: RunContext, lease: Lease) -> None:
        self._run = run
        self._lease = lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{run.run_id}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        run = self._run
        while not self._over.wait(WATCH_SECONDS):
            try:
                reason = wanted_end(self._lease.connection, run.run_id)
            except Exception as error:
                if not isinstance(error, DBAPIError):
                    log.exception("%s: asking whether it is to end", run.run_id)
                run.cancellation.disown("the connection to the database was lost")
                return
            if reason is not None:
                run.cancellation.cancel(reason)
            if run.cancellation.is_set:
                self._interrupt()

    def _interrupt(self) -> None:
        """Stop the deployment, so that whatever waits for its answer goes on; again each time, as it may just start."""
        try:
            self._run.services.target.stop(self._run.run_id)
        except Exception:
            log.exception("%s: stopping its deployment", self._run.run_id)
