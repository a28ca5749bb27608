"""What the bills of an entry's deployment have come to, as the ledger has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import RunNotFound
from runner.knowledge.story import actual_cost_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.budget.ledger import Ledger
    from runner.knowledge.entry import ActualCost, Entry
    from runner.records import RunRecords


def bills_of(ledger: Ledger, records: RunRecords, repo: str) -> Callable[[Entry], ActualCost | None]:
    """For `refresh`. An entry may name any run: only those of the same app and repository are told of.

    Args:
        ledger: that the runs have paid by.
        records: of all runs.
        repo: `runner.model.repository_key`.
    """

    def bills(entry: Entry) -> ActualCost | None:
        try:
            record = records.get(entry.run)
        except RunNotFound:
            return None
        if (record.repo, record.name) != (repo, entry.name):
            return None
        return actual_cost_of(ledger.state(record.id))

    return bills
