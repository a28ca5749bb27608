"""`Progress` for those who do not watch, and for those who look at the run's row."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from runner.model import StepProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.model import RunId, RunProgress, StepName
    from runner.protocols import Progress
    from runner.records import RunRecords


class Silent:
    """Tells nobody."""

    def started(self, run_id: RunId, step: StepName) -> None:
        """Say nothing."""

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Say nothing."""

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """Say nothing."""


class Recorded:
    """Keeps one run's progress in its row, and passes it on. A resumed run goes on with what its row has."""

    def __init__(
        self, records: RunRecords, begun: RunProgress, watching: Progress, clock: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._now = begun
        self._watching = watching
        self._clock = clock
        self._guard = threading.Lock()

    @property
    def now(self) -> RunProgress:
        """As on record."""
        return self._now

    def started(self, run_id: RunId, step: StepName) -> None:
        """A step begins, perhaps for another time."""
        others = tuple(known for known in self._now.steps if known.step != step)
        self.note(run_id, steps=(*others, StepProgress(step=step, began_at=self._clock())))
        self._watching.started(run_id, step)

    def again(self, run_id: RunId, attempt: int, steps: tuple[StepName, ...]) -> None:
        """Another attempt begins, and these steps with it."""
        others = tuple(known for known in self._now.steps if known.step not in steps)
        self.note(run_id, attempt=attempt, steps=others)

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Something happened inside the step."""
        self._change(run_id, step, detail=message)
        self._watching.detail(run_id, step, message)

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """A step has ended well."""
        self._change(run_id, step, seconds=seconds)
        self._watching.finished(run_id, step, seconds)

    def note(self, run_id: RunId, **facts: Any) -> None:  # noqa: ANN401 - fields of `RunProgress`
        """Put facts on record that people are to see before the run has ended."""
        with self._guard:
            changed = self._now.model_copy(update=facts)
            if changed != self._now:
                self._now = changed
                self._records.progress(run_id, changed)

    def _change(self, run_id: RunId, step: StepName, **facts: Any) -> None:  # noqa: ANN401 - fields of `StepProgress`
        steps = tuple(known.model_copy(update=facts) if known.step == step else known for known in self._now.steps)
        self.note(run_id, steps=steps)
