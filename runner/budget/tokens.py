"""What tokens of a language model cost: Anthropic's list prices (https://platform.claude.com/docs/en/about-claude/pricing).

Only what this table names is asked: of any other model nobody can say what an answer costs at most.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import NonNegativeInt

from runner.budget.errors import PriceUnknown
from runner.budget.money import dollars
from runner.model import Frozen

AS_OF: Final = date(2026, 10, 24)
_MILLION: Final = 1_000_000
_DATED: Final = re.compile(r"-\d{8}$")


class Band(NamedTuple):
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    """Kept for five minutes."""
    cache_write_hour: Decimal
    cache_read: Decimal


class TokenPrices(NamedTuple):
    """Of one model."""

    usual: Band
    long_above: int | None = None
    """Tokens of a prompt, from the cache or not, above which every token of the request costs as in `long`."""
    long: Band | None = None

    def band(self, prompt_tokens: int) -> Band:
        """For a request with such a prompt."""
        if self.long is None or self.long_above is None or prompt_tokens <= self.long_above:
            return self.usual
        return self.long


class TokenUsage(Frozen):
    """Tokens of one answer, as the API's `usage` counts them: each is in one field only."""

    input: NonNegativeInt
    """Neither written to the cache nor read from it: `input_tokens`."""
    output: NonNegativeInt
    cache_write: NonNegativeInt = 0
    """`cache_creation.ephemeral_5m_input_tokens`."""
    cache_write_hour: NonNegativeInt = 0
    """`cache_creation.ephemeral_1h_input_tokens`."""
    cache_read: NonNegativeInt = 0
    """`cache_read_input_tokens`."""


def _band(input_usd: str, output_usd: str, cache_read_usd: str) -> Band:
    """Writing to the cache costs 1.25 times the input for five minutes, twice for an hour, of every model."""
    each = Decimal(input_usd)
    return Band(each, Decimal(output_usd), each * Decimal("1.25"), each * 2, Decimal(cache_read_usd))


PRICES: Final[dict[str, TokenPrices]] = {
    "claude-fable-5-1": TokenPrices(_band("10", "50", "0.25")),
    "claude-fable-5": TokenPrices(_band("10", "50", "1")),
    "claude-opus-5-5": TokenPrices(_band("4", "20", "0.20")),
    "claude-opus-5": TokenPrices(_band("5", "25", "0.50")),
    "claude-opus-4-8": TokenPrices(_band("5", "25", "0.50")),
    "claude-opus-4-7": TokenPrices(_band("5", "25", "0.50")),
    "claude-opus-4-6": TokenPrices(_band("5", "25", "0.50")),
    "claude-opus-4-5": TokenPrices(_band("5", "25", "0.50")),
    "claude-sonnet-5-5": TokenPrices(_band("2", "10", "0.10")),
    "claude-sonnet-5": TokenPrices(_band("2", "10", "0.20")),
    "claude-sonnet-4-6": TokenPrices(_band("3", "15", "0.30")),
    "claude-haiku-5-5": TokenPrices(_band("0.10", "0.50", "0.01"), 100_000, _band("0.50", "2.50", "0.05")),
    "claude-haiku-4-5": TokenPrices(_band("1", "5", "0.10")),
}
"""By name, without the date that a name may end in."""


def prices_of(model: str) -> TokenPrices:
    """The prices of a model, by its name with or without a date.

    Raises:
        PriceUnknown: it is not in the table.
    """
    prices = PRICES.get(_DATED.sub("", model))
    if prices is None:
        known = ", ".join(PRICES)
        raise PriceUnknown(
            f"there is no price for the language model {model[:80]!a}, so it is not asked; known: {known}"
        )
    return prices


def worst_answer(model: str, *, prompt_tokens: int, most_output_tokens: int) -> Decimal:
    """US dollars that a request can cost: the whole prompt at the dearest way to pay for it, and the longest answer.

    Args:
        model: its name.
        prompt_tokens: at most; a byte is at most one token, so the length of the text in bytes is a safe number.
        most_output_tokens: `max_tokens` of the request, which thinking counts towards.

    Raises:
        PriceUnknown: the model is not in the table.
    """
    band = prices_of(model).band(prompt_tokens)
    dearest = max(band.input, band.cache_write, band.cache_write_hour, band.cache_read)
    return dollars((prompt_tokens * dearest + most_output_tokens * band.output) / _MILLION)


def price_of_answer(model: str, usage: TokenUsage) -> Decimal:
    """US dollars for what was used.

    Raises:
        PriceUnknown: the model is not in the table.
    """
    prompt = usage.input + usage.cache_write + usage.cache_write_hour + usage.cache_read
    band = prices_of(model).band(prompt)
    total = (
        usage.input * band.input
        + usage.output * band.output
        + usage.cache_write * band.cache_write
        + usage.cache_write_hour * band.cache_write_hour
        + usage.cache_read * band.cache_read
    )
    return dollars(total / _MILLION)
