"""A run as people are shown it: all that its comment and its check are written from, and nothing of how it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from codegen.model import Finding, Question
from runner.budget.model import RunMoney
from runner.model import (
    Attempt,
    Cost,
    EngineKind,
    Environment,
    Frozen,
    PullRequestRef,
    RunId,
    RunKind,
    StepName,
    StepProgress,
    TestResult,
)
from runner.variations.model import Variations

ShownState: TypeAlias = Literal[
    "queued", "running", "waiting", "needs-input", "ready", "failed", "over-budget", "cancelled", "superseded"
]
"""`waiting`: for a maintainer's approval, or until the forge lets us go on (`put_away_until`). `needs-input`: only an
answer, or something else that a person does, lets it go on. `ready`: it ended well, and its tests passed."""


class RunView(Frozen):
    """One run at one moment. The same view gives the same words."""

    id: RunId
    number: int
    """Which run of all; the newer has the higher."""
    kind: RunKind
    environment: Environment = "preview"
    name: str
    """Of the app."""
    title: str | None = None
    """Of the workflow, in its author's words."""
    filename: str = ""
    """As submitted."""
    state: ShownState
    steps: tuple[StepProgress, ...] = ()
    """Those that have begun, in their order."""
    planned: tuple[StepName, ...] = ()
    """All that a run of this kind takes; empty for the usual ones."""
    attempt: int = 1
    max_attempts: int = 10
    target: str = "local"
    """Where it is deployed: on this machine nothing is spent, whatever the hardware that it is for."""
    spent_usd: float = 0.0
    budget_usd: float | None = None
    estimate_usd: float | None = None
    """What it would cost at most, for those who have to approve it."""
    money: RunMoney | None = None
    """What the ledger says of it now; counts more than `spent_usd` and `budget_usd`."""
    attempts: tuple[Attempt, ...] = ()
    """Those that have ended."""
    commit: str | None = None
    """Head of the branch that this is about."""
    pull: PullRequestRef | None = None
    check_url: str | None = None
    endpoint: str | None = None
    variations: Variations | None = None
    """Of a run that makes some."""
    engine: EngineKind = "comfyui"
    tests: tuple[TestResult, ...] = ()
    cost: Cost | None = None
    """Of one call, once it was tested."""
    reason: str | None = None
    """Why it failed, was cancelled or waits, and what to do next. May have several lines, with a log in them."""
    questions: tuple[Question, ...] = ()
    findings: tuple[Finding, ...] = ()
    lock: str | None = None
    """`app.lock.json` of `commit`, so that findings can be shown on its lines."""
    requester: str | None = None
    """Login of who asked for it."""
    approved_by: tuple[str, ...] = ()
    """Logins of those whose review had approved what went to production."""
    unseen: tuple[str, ...] = ()
    """Why something of this cannot be shown on GitHub, such as a permission that the App lacks."""
    queued_ahead: int = 0
    """Runs that have to end first."""
    put_away_until: datetime | None = None
    superseded_by: int | None = None
    """Number of the newer run."""
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in {"needs-input", "ready", "failed", "over-budget", "cancelled", "superseded"}
