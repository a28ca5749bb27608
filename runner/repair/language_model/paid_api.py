"""Anthropic's API, paid for through the ledger: what an answer costs at most is reserved before it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from runner.budget.money import ZERO
from runner.budget.tokens import price_of_answer, worst_answer
from runner.repair.language_model.answer import parse, usage_of
from runner.repair.language_model.errors import ModelBusy, ModelRefuses, NotAffordable
from runner.repair.language_model.request import MOST_OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from decimal import Decimal

    from anthropic.types import MessageParam, TextBlockParam, ToolParam
    from pydantic import SecretStr

    from codegen.model import JsonObject
    from runner.budget.spending import Meter, Spending
    from runner.repair.language_model.messages_api import MessagesApi


class Asked(Protocol):
    """A request to a model."""

    @property
    def version(self) -> int:
        """Of its wording, which is noted with what it has cost."""
        ...

    @property
    def most_tokens(self) -> int:
        """Of the whole prompt."""
        ...

    def parameters(self) -> tuple[list[TextBlockParam], list[MessageParam], list[ToolParam]]:
        """System prompt, messages and tools as the API takes them; without tools, none are offered."""
        ...


class Bill:
    """What some calls have come to, those included that were paid for and gave nothing."""

    def __init__(self) -> None:
        self.usd = ZERO
        self.input_tokens = 0
        self.output_tokens = 0

    def costs(self, meter: Meter, usd: Decimal, detail: JsonObject) -> None:
        """Book a call."""
        meter.ends(usd, basis="actual", detail=detail)  # no bill will say it better
        self.usd += usd


class PaidApi:
    """With one model. Threads may share it."""

    def __init__(
        self,
        key: SecretStr,
        *,
        model: str,
        budget_usd: Decimal,
        url: str,
        known: Collection[str],
        sleep: Callable[[float], None],
    ) -> None:
        """Nothing is asked yet.

        Args:
            key: of the API. It is sent to `url` only.
            model: its name there.
            budget_usd: the most that one run may spend on asking, US dollars, beside the limits of the ledger.
            url: of the API, or of a gateway to it.
            known: secrets, which no error repeats.
            sleep: waits between attempts.
        """
        self.model = model
        self._key = key
        self._budget = budget_usd
        self._url = url
        self._known = known
        self._sleep = sleep

    @cached_property
    def _api(self) -> MessagesApi:
        from runner.repair.language_model.messages_api import MessagesApi  # noqa: PLC0415 - takes long, is rarely asked

        return MessagesApi(self._key, url=self._url, model=self.model, known=self._known, sleep=self._sleep)

    def ask(self, request: Asked, key: str, bill: Bill, spending: Spending) -> JsonObject:
        """One answer, as JSON, booked under `key` and on the bill.

        Raises:
            OverBudget: the ledger does not allow it.
            PriceUnknown: nobody knows what the model costs.
            ModelError: no answer.
        """
        worst = worst_answer(self.model, prompt_tokens=request.most_tokens, most_output_tokens=MOST_OUTPUT_TOKENS)
        so_far = spending.so_far("language-model")
        if so_far + worst > self._budget:
            raise NotAffordable(
                f"asking the language model may cost up to ${worst:.2f}, which does not fit below what one run may "
                f"spend on it, ${self._budget:.2f}: ${so_far:.2f} spent"
            )
        with spending.on("language-model", key, worst, ZERO) as meter:
            try:
                body = self._api.answer(request)
            except (ModelBusy, ModelRefuses):
                raise  # without an answer, nothing is billed: the reservation is given back
            except BaseException:
                bill.costs(meter, worst, {"model": self.model, "answer": "unknown"})
                raise
            message = parse(body)
            usage = usage_of(message)
            if usage is None:
                bill.costs(meter, worst, {"model": self.model, "answer": "without usage"})
                return message
            detail: JsonObject = {"model": self.model, "prompt_version": request.version, **usage.model_dump()}
            bill.costs(meter, price_of_answer(self.model, usage), detail)
            bill.input_tokens += usage.input + usage.cache_read + usage.cache_write + usage.cache_write_hour
            bill.output_tokens += usage.output
        return message
