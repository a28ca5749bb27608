"""Bills: what was spent for sure takes the place of what was estimated, and people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.budget.bills import RUN_TAG, WINDOW, BillRow, read_bills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from runner.budget.ledger import Ledger
    from runner.records import RunRecords
    from runner.targets.modal.workspace import BillLine

BILLS_SECONDS: Final = 3600.0
"""Between two looks: a bill has a row for each hour, once it is over."""


class Billing:
    """Reads the bills of all accounts."""

    def __init__(
        self,
        bills: Callable[[datetime], Iterable[BillLine]],
        ledger: Ledger,
        records: RunRecords,
        clock: Callable[[], datetime],
    ) -> None:
        """`bills`: of all accounts since a moment, as `ModalTarget.bills`."""
        self._bills = bills
        self._ledger = ledger
        self._records = records
        self._clock = clock

    def once(self) -> None:
        """Book what is new, and have people told of the runs that it is about. Repeatable; several workers may.

        Raises:
            DatabaseUnavailable: Postgres cannot be reached.
        """
        now = self._clock()
        said = read_bills(self._ledger, self._rows, now)
        untold = self._ledger.runs_with_untold(now - WINDOW)
        self._records.tell_again({*untold, *(bill.run_id for bill in said.bills)})

    def _rows(self, since: datetime) -> Iterator[BillRow]:
        for line in self._bills(since):
            tags = {} if line.tag is None else {RUN_TAG: line.tag}
            yield BillRow(object_id=line.app_id, app="", environment="", start=line.began_at, usd=line.usd, tags=tags)
