"""Asks a model of Anthropic, and pays for it through the ledger."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from codegen.errors import PatchRefused
from codegen.lock_patch import apply
from runner.budget.errors import OverBudget, PriceUnknown
from runner.repair.adviser import Advice
from runner.repair.language_model.answer import Misshapen, NoPatch, read
from runner.repair.language_model.errors import ModelError
from runner.repair.language_model.excerpt import line
from runner.repair.language_model.paid_api import Bill, PaidApi
from runner.repair.language_model.request import Refused, build_request, looked_up
from runner.repair.language_model.rules import held
from runner.repair.moves import lock_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from decimal import Decimal

    from pydantic import SecretStr

    from codegen.lock import Gpu, Lock
    from codegen.lock_patch import LockPatch
    from codegen.plan import Plan
    from runner.budget.spending import Spending
    from runner.repair.diagnosis import Diagnosis
    from runner.repair.evidence import Evidence
    from runner.repair.moves import Turn

MOST_CALLS: Final = 2
"""For one failure: a patch that is refused is asked for once more, with the refusal."""


class AnthropicAdviser:
    """One per process. Threads may share it."""

    available = True

    def __init__(
        self,
        key: SecretStr,
        *,
        model: str,
        budget_usd: Decimal,
        url: str,
        known: Collection[SecretStr] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked yet.

        Args:
            key: of the API. It is sent to `url` only.
            model: its name there.
            budget_usd: the most that one run may spend on asking, US dollars, beside the limits of the ledger.
            url: of the API, or of a gateway to it.
            known: secrets of this server, which are taken out of what is sent, wherever they are.
            clock: of this machine.
            sleep: waits between attempts.
        """
        self._known = tuple(each.get_secret_value() for each in (key, *known))
        self._clock = clock
        self._api = PaidApi(key, model=model, budget_usd=budget_usd, url=url, known=self._known, sleep=sleep)

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
        """See `Adviser`."""
        if spending is None:
            return Advice(why="nobody keeps account of what asking the language model costs", model=self._api.model)
        bill = Bill()
        attempt = evidence[-1].attempt if evidence else len(history) + 1
        refused: Refused | None = None
        for call in range(1, MOST_CALLS + 1):
            request = build_request(
                evidence,
                plan=plan,
                history=history,
                diagnosis=diagnosis,
                gpus=gpus,
                known=self._known,
                refused=refused,
            )
            try:
                message = self._api.ask(request, f"language-model-{attempt}-{call}", bill, spending)
            except (ModelError, OverBudget, PriceUnknown) as error:
                before = f"a patch of the language model was refused: {refused.why}; and " if refused else ""
                return self._advice(bill, f"{before}{error}")
            answer = read(message)
            if isinstance(answer, NoPatch):
                return self._advice(bill, f"the language model was asked: {answer.why}")
            if isinstance(answer, Misshapen):
                refused = Refused(patch=answer.raw, why=answer.why)
                continue
            try:
                patch, lock = self._made(answer.patch, plan, history, gpus)
            except PatchRefused as refusal:
                refused = Refused(patch=answer.raw, why=line(str(refusal)))
                continue
            return self._advice(bill, patch.because).model_copy(update={"patch": patch, "lock": lock})
        assert refused is not None
        return self._advice(bill, f"the patch of the language model was refused: {refused.why}")

    def _advice(self, bill: Bill, why: str) -> Advice:
        """Without a patch."""
        return Advice(
            why=why,
            model=self._api.model,
            input_tokens=bill.input_tokens,
            output_tokens=bill.output_tokens,
            usd=bill.usd,
        )

    def _made(
        self, patch: LockPatch, plan: Plan, history: tuple[Turn, ...], gpus: Collection[Gpu] | None
    ) -> tuple[LockPatch, Lock]:
        patch = held(patch, plan, self._clock().date())
        commits = {commit for _, commit in looked_up(plan)}
        lock = apply(plan.lock, patch, author="model", gpus=gpus, prompt=plan.prompt, commits=commits)
        if lock_hash(lock) in {lock_hash(plan.lock), *(turn.lock for turn in history)}:
            raise PatchRefused("changes", "they lead back to a lock that has failed already")
        return patch, lock
