"""The calls of a grid, some at a time, each result handed over as soon as it is there.

A thread calls; whoever asks for the next result waits for it, and puts it on record before asking again. So what a
crash can lose is what was under way, and that is asked for again under the same key: an app that still has it answers
with what it made.
"""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Self

from pydantic import ConfigDict

from runner.budget.errors import DoesNotFit
from runner.errors import EndpointUnreachable
from runner.model import Frozen
from runner.variations.model import CellResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.variations.model import Cell

MOST_TRIES: Final = 2
"""Of a cell under which the app stops answering. What ends it twice, ends it."""


class Made(Frozen):
    """A cell that has ended."""

    result: CellResult
    picture: bytes | None = None
    """A small JPEG, for the sheet."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class Making:
    """The cells of a grid that are still to be made. Used by one thread."""

    def __init__(
        self, cells: Iterable[Cell], call: Callable[[Cell], Made], *, at_once: int, revive: Callable[[], None]
    ) -> None:
        """`call` makes one cell, in a thread of its own. `revive`: the app is to be brought back."""
        self._waiting = deque(cells)
        self._call = call
        self._room = at_once
        self._revive = revive
        self._going: dict[Future[Made], Cell] = {}
        self._tries: Counter[int] = Counter()
        self._gone = False
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="variation")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def next(self) -> Made:
        """The next cell that has ended, well or not.

        Raises:
            OverBudget: nothing more can be paid for; what was under way has been handed over before.
            RunCancelled, DatabaseUnavailable: as `call` and `revive` raise them.
        """
        while True:
            if self._gone and not self._going:
                self._revive()
                self._gone = False
            while self._waiting and len(self._going) < self._room and not self._gone:
                cell = self._waiting.popleft()
                self._going[self._pool.submit(self._call, cell)] = cell
            done, _ = wait(self._going, return_when=FIRST_COMPLETED)
            future = next(iter(done))
            cell = self._going.pop(future)
            try:
                return future.result()
            except DoesNotFit:
                if not self._going:
                    raise
                self._waiting.appendleft(cell)  # when one of the others has ended, there may be money for it
                self._room = len(self._going)
            except EndpointUnreachable as error:
                self._gone = True  # nothing more is asked of it until it is back
                self._tries[cell.number] += 1
                if self._tries[cell.number] >= MOST_TRIES:
                    return Made(result=failed(cell, f"the app stopped answering, {MOST_TRIES} times: {error}"))
                self._waiting.appendleft(cell)


def failed(cell: Cell, reason: str) -> CellResult:
    """A cell that nothing came of."""
    return CellResult(number=cell.number, inputs=cell.inputs, state="failed", reason=reason)
