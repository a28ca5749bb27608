"""Asks a model of Anthropic, and pays for it through the ledger."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from codegen.errors import PatchRefused
from codegen.lock_patch import apply
from runner.budget.errors import OverBudget, PriceUnknown
from runner.budget.money import ZERO
from runner.budget.tokens import price_of_answer, worst_answer
from runner.repair.adviser import Advice
from runner.repair.language_model.answer import Misshapen, NoPatch, parse, read, usage_of
from runner.repair.language_model.errors import ModelBusy, ModelError, ModelRefuses, NotAffordable
from runner.repair.language_model.excerpt import line
from runner.repair.language_model.request import (
    MOST_OUTPUT_TOKENS,
    PROMPT_VERSION,
    Refused,
    build_request,
    looked_up,
)
from runner.repair.language_model.rules import held
from runner.repair.moves import lock_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from decimal import Decimal

    from pydantic import SecretStr

    from codegen.lock import Gpu, Lock
    from codegen.lock_patch import LockPatch
    from codegen.model import JsonObject
    from codegen.plan import Plan
    from runner.budget.spending import Meter, Spending
    from runner.repair.diagnosis import Diagnosis
    from runner.repair.evidence import Evidence
    from runner.repair.language_model.messages_api import MessagesApi
    from runner.repair.language_model.request import Request
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
        self._model = model
        self._budget = budget_usd
        self._known = tuple(each.get_secret_value() for each in (key, *known))
        self._clock = clock
        self._sleep = sleep
        self._key = key
        self._url = url

    @cached_property
    def _api(self) -> MessagesApi:
        from runner.repair.language_model.messages_api import MessagesApi  # noqa: PLC0415 - takes long, is rarely asked

        return MessagesApi(self._key, url=self._url, model=self._model, known=self._known, sleep=self._sleep)

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
        advice = Advice(why="", model=self._model)
        if spending is None:
            return advice.model_copy(update={"why": "nobody keeps account of what asking the language model costs"})
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
            asked = _Call(f"language-model-{attempt}-{call}", advice)
            try:
                message = self._ask(request, asked, spending)
            except (ModelError, OverBudget, PriceUnknown) as error:
                before = f"a patch of the language model was refused: {refused.why}; and " if refused else ""
                return asked.advice.model_copy(update={"why": f"{before}{error}"})
            advice = asked.advice
            answer = read(message)
            if isinstance(answer, NoPatch):
                return advice.model_copy(update={"why": f"the language model was asked: {answer.why}"})
            if isinstance(answer, Misshapen):
                refused = Refused(patch=answer.raw, why=answer.why)
                continue
            try:
                patch, lock = self._made(answer.patch, plan, history, gpus)
            except PatchRefused as refusal:
                refused = Refused(patch=answer.raw, why=line(str(refusal)))
                continue
            return advice.model_copy(update={"patch": patch, "lock": lock, "why": patch.because})
        assert refused is not None
        return advice.model_copy(update={"why": f"the patch of the language model was refused: {refused.why}"})

    def _made(
        self, patch: LockPatch, plan: Plan, history: tuple[Turn, ...], gpus: Collection[Gpu] | None
    ) -> tuple[LockPatch, Lock]:
        patch = held(patch, plan, self._clock().date())
        commits = {commit for _, commit in looked_up(plan)}
        lock = apply(plan.lock, patch, author="model", gpus=gpus, prompt=plan.prompt, commits=commits)
        if lock_hash(lock) in {lock_hash(plan.lock), *(turn.lock for turn in history)}:
            raise PatchRefused("changes", "they lead back to a lock that has failed already")
        return patch, lock

    def _ask(self, request: Request, call: _Call, spending: Spending) -> JsonObject:
        """One answer, as JSON, paid for.

        Raises:
            OverBudget: the ledger does not allow it.
            PriceUnknown: nobody knows what the model costs.
            ModelError: no answer.
        """
        worst = worst_answer(self._model, prompt_tokens=request.most_tokens, most_output_tokens=MOST_OUTPUT_TOKENS)
        so_far = spending.so_far("language-model")
        if so_far + worst > self._budget:
            raise NotAffordable(
                f"asking the language model may cost up to ${worst:.2f}, which does not fit below what one run may "
                f"spend on it, ${self._budget:.2f}: ${so_far:.2f} spent"
            )
        with spending.on("language-model", call.key, worst, ZERO) as meter:
            try:
                body = self._api.answer(request)
            except (ModelBusy, ModelRefuses):
                raise  # without an answer, nothing is billed: the reservation is given back
            except BaseException:
                call.costs(meter, worst, {"model": self._model, "answer": "unknown"})
                raise
            message = parse(body)
            usage = usage_of(message)
            if usage is None:
                call.costs(meter, worst, {"model": self._model, "answer": "without usage"})
                return message
            detail: JsonObject = {"model": self._model, "prompt_version": PROMPT_VERSION, **usage.model_dump()}
            call.costs(meter, price_of_answer(self._model, usage), detail)
            call.reads(usage.input + usage.cache_read + usage.cache_write + usage.cache_write_hour, usage.output)
        return message


class _Call:
    """One call, and what all so far have come to."""

    def __init__(self, key: str, advice: Advice) -> None:
        self.key = key
        self.advice = advice

    def costs(self, meter: Meter, usd: Decimal, detail: JsonObject) -> None:
        meter.ends(usd, basis="actual", detail=detail)  # no bill will say it better
        self.advice = self.advice.model_copy(update={"usd": self.advice.usd + usd})

    def reads(self, input_tokens: int, output_tokens: int) -> None:
        tokens = {
            "input_tokens": self.advice.input_tokens + input_tokens,
            "output_tokens": self.advice.output_tokens + output_tokens,
        }
        self.advice = self.advice.model_copy(update=tokens)
