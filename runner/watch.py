"""While a run is carried out: notices that somebody wants it to end, that its lease is lost, or its money used up."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from runner.budget.spending import Spending, overdue
from runner.errors import DatabaseUnavailable
from runner.records import wanted_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.budget.model import RunMoney
    from runner.context import RunContext
    from runner.lease import Lease

WATCH_SECONDS = 0.2
"""How often a run looks whether somebody wants it to end; also how soon it notices a lost database connection."""
MONEY_SECONDS = 2.0
"""Between two looks at what it has cost: the dearest GPU costs less than a cent in that time."""

log = logging.getLogger(__name__)


class Watch:
    """Threads beside the run's own, for as long as the `with` block lasts."""

    def __init__(self, run: RunContext, lease: Lease) -> None:
        self._run = run
        self._lease = lease
        self._over = threading.Event()
        self._threads = [self._thread("watch", self._watch)]
        ledger = run.services.ledger
        if ledger is not None and run.services.target.costs:
            spending = Spending(ledger, run.run_id)
            self._threads.append(self._thread("money", lambda: self._watch_money(spending)))

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _thread(self, name: str, body: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=body, name=f"{name}-{self._run.run_id}", daemon=True)

    def _watch(self) -> None:
        run = self._run
        while not self._over.wait(WATCH_SECONDS):
            try:
                reason = wanted_end(self._lease.connection, run.run_id)
            except Exception as error:  # without an answer nobody knows whose the run is: it is left to others
                if not isinstance(error, DBAPIError):
                    log.exception("%s: asking whether it is to end", run.run_id)
                run.cancellation.disown("the connection to the database was lost")
                return
            if reason is not None:
                run.cancellation.cancel(reason)
            if run.cancellation.is_set:
                self._interrupt()

    def _watch_money(self, spending: Spending) -> None:
        """On a thread of its own: the ledger may have to be waited for."""
        shown: tuple[str, int] | None = None
        while not self._over.wait(MONEY_SECONDS) and not self._run.cancellation.is_set:
            try:
                money = spending.look()
                shown = self._show(money, shown)
            except DatabaseUnavailable as error:
                log.warning("%s: what it costs is not known: %s", self._run.run_id, error)
                continue
            except Exception:  # whatever it is, it is no reason to let an app run on without a look
                log.exception("%s: looking at what it costs", self._run.run_id)
                continue
            why = overdue(money)
            if why is not None:
                log.warning("%s: %s", self._run.run_id, why)
                self._run.cancellation.stop(why)

    def _show(self, money: RunMoney, before: tuple[str, int] | None) -> tuple[str, int]:
        """Tell of it, by the cent: people need no more, and each time is an edit on the forge."""
        now = (f"{money.best:.2f}", len(money.alerts))
        if money.running and now != before:
            self._run.note(spent_usd=float(money.best))
        return now

    def _interrupt(self) -> None:
        """Stop the deployment, so that whatever waits for its answer goes on; again each time, as it may just start."""
        try:
            self._run.services.target.stop(self._run.run_id)
        except Exception:  # it is tried again at the next look
            log.exception("%s: stopping its deployment", self._run.run_id)
