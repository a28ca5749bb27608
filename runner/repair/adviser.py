"""Who is asked when no signature knows, or is sure: a protocol, and nobody.

Adviser    runner.repair.language_model.anthropic_adviser.AnthropicAdviser, NoAdviser
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from codegen.lock import Lock
from codegen.lock_patch import LockPatch
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection

    from codegen.lock import Gpu
    from codegen.plan import Plan
    from runner.budget.spending import Spending
    from runner.repair.diagnosis import Diagnosis
    from runner.repair.evidence import Evidence
    from runner.repair.moves import Turn


class Advice(Frozen):
    """What came of asking. A value: a run that has it on record never asks the same again."""

    patch: LockPatch | None = None
    """`None`: nothing was proposed, or nothing that is allowed; `why` says which."""
    lock: Lock | None = None
    """With the patch. Set exactly when `patch` is."""
    why: str
    """For people, in a sentence or two; may quote what the model has said, so whoever shows it escapes it."""
    model: str = ""
    """That was asked; empty if none was."""
    input_tokens: int = 0
    """Of all calls; so are `output_tokens`, thinking included, and `usd`."""
    output_tokens: int = 0
    usd: Decimal = Decimal(0)
    """What is booked in the ledger for it."""


class Adviser(Protocol):
    """Proposes a change of the lock where rules have none."""

    @property
    def available(self) -> bool:
        """Whether there is somebody to ask: `next_move`'s `language_model`."""
        ...

    def propose(
        self,
        evidence: tuple[Evidence, ...],
        *,
        plan: Plan,
        history: tuple[Turn, ...],
        diagnosis: Diagnosis | None,
        gpus: Collection[Gpu] | None,
        spending: Spending | None,
    ) -> Advice:
        """A patch for what the evidence shows, checked and applied to `plan.lock`; or why there is none.

        Never raises because of what others answer, refuse, or charge: then there is no patch. It waits for minutes at
        most.

        Args:
            evidence: of the attempt that failed now.
            plan: with the lock that it ran with.
            history: the attempts before it, the oldest first.
            diagnosis: what rules think of it, if anything.
            gpus: those that the repository's settings allow; `None`: all.
            spending: the run's money. Without it nothing is asked that costs.
        """
        ...


class NoAdviser:
    """Nobody is asked: the server has no key."""

    available = False

    def propose(
        self,
        evidence: tuple[Evidence, ...],
        *,
        plan: Plan,
        history: tuple[Turn, ...],
        diagnosis: Diagnosis | None,
        gpus: Collection[Gpu] | None,
        spending: Spending | None,
    ) -> Advice:
        """Nothing."""
        del evidence, plan, history, diagnosis, gpus, spending
        return Advice(why="there is no language model to ask: FLOWBERTH_ANTHROPIC_API_KEY is not set")
