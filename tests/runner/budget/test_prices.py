"""What seconds and tokens cost, and what they can cost at most."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.hardware import GPU_MEMORY_GB, price_per_second
from codegen.lock import Hardware, Scaling, Timeouts
from runner.budget.errors import PriceUnknown
from runner.budget.money import MOST, dollars
from runner.budget.prices import (
    BROAD_REGION,
    LIST_RATES,
    NARROW_REGION,
    NON_PREEMPTIBLE,
    Rates,
    estimate,
    longest_call,
    usd_per_second,
    worst_case,
)
from runner.budget.tokens import PRICES, TokenUsage, price_of_answer, prices_of, worst_answer


def hardware(gpu: str | None, cpu: float = 4.0, memory_gib: int = 32) -> Hardware:
    return Hardware.model_validate(
        {"gpu": gpu, "cpu": cpu, "memory_mib": memory_gib * 1024, "usd_per_second": 0, "reason": "asked for"}
    )


@pytest.mark.parametrize("gpu", [None, *GPU_MEMORY_GB])
def test_the_list_is_the_one_that_hardware_is_chosen_by(gpu):
    assert float(usd_per_second(hardware(gpu))) == pytest.approx(price_per_second(gpu, 4.0, 32 * 1024), abs=1e-9)


def test_an_hour_of_an_l4():
    l4 = hardware("L4")
    assert estimate(3600, l4) == snapshot(Decimal("1.243584"))
    assert worst_case(3600, l4, most_cpu=4, most_memory_mib=32 * 1024) == estimate(3600, l4)
    assert worst_case(3600, l4, most_cpu=8, most_memory_mib=64 * 1024) == snapshot(Decimal("1.687968"))
    assert worst_case(3600, l4) == snapshot(Decimal("4.427712"))
    assert worst_case(3600, l4, containers=2) == 2 * worst_case(3600, l4)


def test_a_limit_below_what_is_asked_for_saves_nothing():
    assert worst_case(60, hardware("L4"), most_cpu=1, most_memory_mib=1024) == estimate(60, hardware("L4"))


def test_where_and_how_an_app_runs_has_its_price():
    t4 = hardware("T4", cpu=1, memory_gib=1)
    somewhere = usd_per_second(t4)
    assert somewhere == Decimal("0.000164") + Decimal("0.0000131") + Decimal("0.00000222")
    assert usd_per_second(t4, LIST_RATES.model_copy(update={"region": BROAD_REGION})) == somewhere * Decimal("1.5")
    assert usd_per_second(t4, LIST_RATES.model_copy(update={"region": NARROW_REGION})) == somewhere * Decimal("1.75")
    unmoved = usd_per_second(t4, LIST_RATES.model_copy(update={"preemption": NON_PREEMPTIBLE}))
    assert unmoved == Decimal("0.000164") + 3 * (Decimal("0.0000131") + Decimal("0.00000222"))


def test_rates_of_an_account_take_the_place_of_the_list():
    live = Rates(
        as_of=date(2026, 11, 21), live=True, gpus={"L4": Decimal("0.0001")}, cpu_core=Decimal(0), memory_gib=Decimal(0)
    )
    assert estimate(100, hardware("L4"), live) == Decimal("0.01")
    with pytest.raises(PriceUnknown, match="no price for H100 in the rates of 2026-11-21"):
        worst_case(1, hardware("H100"), live)


def test_a_container_is_paid_for_until_it_is_put_away():
    timeouts, scaling = Timeouts(startup_seconds=600, execution_seconds=900), Scaling(scaledown_window_seconds=60)
    assert longest_call(timeouts, scaling) == 1560
    assert longest_call(timeouts, scaling, calls=3) == 3360


@given(st.decimals(min_value=0, max_value=MOST, allow_nan=False, allow_infinity=False))
def test_money_is_never_rounded_down(amount):
    kept = dollars(amount)
    assert Fraction(amount) <= Fraction(kept) < Fraction(amount) + Fraction(1, 10**6)
    assert dollars(kept) == kept


def test_a_float_is_what_it_prints():
    assert dollars(0.1) == Decimal("0.1")
    assert dollars(7) == 7


def test_an_answer_of_a_language_model():
    usage = TokenUsage(input=20_000, output=1_500, cache_read=4_000)
    assert price_of_answer("claude-sonnet-5-5", usage) == snapshot(Decimal("0.055400"))
    assert price_of_answer("claude-haiku-5-5", usage) == snapshot(Decimal("0.002790"))
    assert worst_answer("claude-sonnet-5-5", prompt_tokens=24_000, most_output_tokens=4_000) == snapshot(
        Decimal("0.136000")
    )


def test_a_long_prompt_makes_every_token_of_the_request_dearer():
    short, long = TokenUsage(input=100_000, output=1000), TokenUsage(input=50_000, cache_read=50_001, output=1000)
    assert price_of_answer("claude-haiku-5-5", short) == Decimal("0.0105")
    assert price_of_answer("claude-haiku-5-5", long) == dollars("0.03000005")


def test_a_name_with_a_date_is_the_same_model():
    assert prices_of("claude-opus-4-5-20251101") == prices_of("claude-opus-4-5")


@pytest.mark.parametrize("model", ["claude-next", "", "gpt-6", "claude-opus-4-5-latest", "x" * 500, "claude\n-opus-5"])
def test_a_model_without_a_price_is_not_asked(model):
    with pytest.raises(PriceUnknown, match="so it is not asked; known: claude-fable-5-1, "):
        worst_answer(model, prompt_tokens=1, most_output_tokens=1)


@given(
    st.sampled_from(sorted(PRICES)),
    st.lists(st.integers(0, 300_000), min_size=5, max_size=5),
)
def test_no_answer_costs_more_than_its_worst(model, numbers):
    usage = TokenUsage(
        input=numbers[0], output=numbers[1], cache_write=numbers[2], cache_write_hour=numbers[3], cache_read=numbers[4]
    )
    prompt = numbers[0] + sum(numbers[2:])
    assert price_of_answer(model, usage) <= worst_answer(model, prompt_tokens=prompt, most_output_tokens=numbers[1])
    longer = worst_answer(model, prompt_tokens=prompt + 1, most_output_tokens=numbers[1])
    assert longer >= worst_answer(model, prompt_tokens=prompt, most_output_tokens=numbers[1])
