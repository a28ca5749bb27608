"""Ending runs and stopping what they left serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.handlers.doors import Doors
    from runner.records import RunRecord


def end(doors: Doors, records: Iterable[RunRecord], reason: str) -> tuple[RunRecord, ...]:
    """Ask for the end of those that have not ended; which ones. Nobody waits for it here."""
    going = tuple(record for record in records if not record.finished)
    for record in going:
        doors.records.want_cancelled(record.id, reason)
    return going


def stop(doors: Doors, records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """Stop what runs left serving, as it is on record now; which ones did."""
    now = [doors.records.get(record.id) for record in records]
    serving = tuple(record for record in now if record.result and record.result.endpoint)
    for record in serving:
        doors.target.stop(record.id)
        doors.records.endpoint_gone(record.id)
    return serving
