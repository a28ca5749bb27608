"""`Progress` for those who do not watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.model import RunId, StepName


class Silent:
    """Tells nobody."""

    def started(self, run_id: RunId, step: StepName) -> None:
        """Say nothing."""

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Say nothing."""

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """Say nothing."""
