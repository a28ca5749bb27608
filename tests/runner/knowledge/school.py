"""A laboratory whose repository learns: what a run has found out is documented, merged, and there for the next one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.knowledge.refresh import refresh
from runner.steps.document import document
from tests.runner.faults.loop import Ended, Laboratory
from worktrees.merge import merge

if TYPE_CHECKING:
    from pathlib import Path

    from runner.context import RunContext
    from tests.runner.faults.fault import Fault
    from tests.runner.faults.loop import Purse, StubbornTarget


class School(Laboratory):
    """Every workflow that is taught has the same two packs, and its own name."""

    @property
    def repo(self) -> Path:
        """What is merged."""
        return self._repo

    def teach(self, fault: Fault) -> tuple[Ended, Ended]:
        """Two workflows meet the same fault, one after the other was merged."""
        first = self.meet(fault)
        return first, self.meet(fault)

    def _carry_out(self, fault: Fault, run: RunContext, target: StubbornTarget, purse: Purse) -> Ended:
        ended = super()._carry_out(fault, run, target, purse)
        attempts = self.attempts
        assert attempts is not None
        if attempts.tested is not None:
            document(run, attempts.tested, attempts.learned, {}, attempts.issues)
            run.worktree.push()
            merge(run.mirror, run.branch, "main", f"Merge {run.branch}")
            refresh(run.mirror, "main")
        return replace(ended, attempts=run.attempt)
