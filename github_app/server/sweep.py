"""Fetches what GitHub could not deliver: while we were down, or could not put it on record. GitHub never retries.

What counts as missed: no attempt was acknowledged, and we do not have it. A delivery is acknowledged only once it is on
record, so an acknowledged one that is not there was pruned, or belongs to a database that was left behind: acting on it
again would surprise everybody.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from github_app.github.errors import NotFound
from github_app.server.deliveries import Delivery

if TYPE_CHECKING:
    from github_app.github.app import GithubApp
    from github_app.github.model import HookDelivery
    from github_app.server.deliveries import Deliveries

REACH = timedelta(days=3)
"""How long GitHub remembers deliveries (https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks)."""
OVERLAP = timedelta(minutes=10)
"""Looked at again each time: an attempt shows up once it has ended, which is after the time it is listed under."""

log = logging.getLogger(__name__)


class Sweeper:
    """One per worker process, which remembers how far it has come. Of several processes on a database, one sweeps."""

    def __init__(self, app: GithubApp, deliveries: Deliveries) -> None:
        self._app = app
        self._deliveries = deliveries
        self._swept: datetime | None = None
        self._gone: frozenset[str] = frozenset()

    def once(self) -> int:
        """Put what was missed since the last successful sweep on record; returns how much that was.

        Raises:
            GithubError: GitHub cannot be asked now; what was found before is on record.
            DatabaseUnavailable: Postgres cannot be reached.
        """
        if not self._deliveries.may_sweep():
            return 0
        began = datetime.now(UTC)
        since = began - REACH if self._swept is None else max(began - REACH, self._swept - OVERLAP)
        missed = self._missed(since)
        gone: set[str] = set()
        stored = 0
        for attempt in missed:
            try:
                found = self._app.delivery(attempt.id)
            except NotFound:
                log.warning("GitHub has no payload any more of delivery %s (%s)", attempt.guid, attempt.event)
                gone.add(attempt.guid.lower())
            else:
                stored += self._deliveries.store([_delivery(found.delivery, found.payload)])
        self._swept, self._gone = began, self._gone | gone
        if stored:
            log.info("%d deliveries that had been missed were fetched", stored)
        return stored

    def _missed(self, since: datetime) -> list[HookDelivery]:
        """One attempt of each, the oldest event first."""
        attempts: dict[str, HookDelivery] = {}
        acknowledged: set[str] = set()
        for attempt in self._app.hook_deliveries(since):  # newest first
            guid = attempt.guid.lower()
            attempts[guid] = attempt
            if attempt.arrived:
                acknowledged.add(guid)
        self._gone &= attempts.keys()
        open_guids = attempts.keys() - acknowledged - self._gone
        missing = open_guids - self._deliveries.known(open_guids)
        return [attempt for guid, attempt in reversed(attempts.items()) if guid in missing]


def _delivery(attempt: HookDelivery, payload: bytes) -> Delivery:
    return Delivery(attempt.guid.lower(), attempt.event, attempt.action, attempt.installation, payload)
