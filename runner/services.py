"""What the composition root hands to the runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.budget.prices import LIST_RATES, Rates
from runner.quality.judge import Judge, NoJudge
from runner.repair.adviser import Adviser, NoAdviser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codegen.facts import Lookups
    from runner.budget.ledger import Ledger
    from runner.model import Repository
    from runner.protocols import Forge, Progress, Target
    from worktrees.mirror import Mirror


def _list_rates(_owner: str) -> Rates:
    return LIST_RATES


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """One per process. The factories are called with the repository a run is for."""

    target: Target
    forge: Callable[[Repository], Forge]
    mirror: Callable[[Repository], Mirror]
    data_dir: Path
    progress: Progress
    lookups: Lookups
    drafts: bool = False
    """Whether people follow pull requests while they are made, as on GitHub."""
    most_previews: int | None = None
    """How many previews of all repositories may be left serving; `None`: any number."""
    ledger: Ledger | None = None
    """Without one nothing is reserved: for tests of what has nothing to do with money."""
    rates: Callable[[str], Rates] = _list_rates
    """What seconds cost the account that a login's apps go to."""
    adviser: Adviser = field(default_factory=NoAdviser)
    """Who is asked about a failure that no signature knows."""
    judge: Judge = field(default_factory=NoJudge)
    """Who is asked what a result looks like."""
    clock: Callable[[], datetime] = _now
