"""What the parts of an attempt are reserved at: as much as they can cost, and not so much that nothing fits."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from codegen.functions import is_limited
from codegen.hardware import price_per_second
from codegen.lock import Gpu, Hardware, Lock, Timeouts
from codegen.render import render
from runner.budget.limits import DEFAULT_RUN_USD
from runner.budget.money import dollars
from runner.budget.prices import LIST_RATES
from runner.paying import price_of
from tests.codegen.test_image import LOCK

VIDEO = Timeouts(execution_seconds=1920)
MODEL = {"file": "sd15.safetensors", "folder": "checkpoints", "url": None, "sha256": None, "source": "unknown"}


def lock_on(gpu: Gpu | None, *, cpu: float = 4.0, gib: int = 64, **more: object) -> Lock:
    price = price_per_second(gpu, cpu, gib * 1024)
    hardware = Hardware(gpu=gpu, cpu=cpu, memory_mib=gib * 1024, usd_per_second=price, reason="test")
    return LOCK.model_copy(update={"hardware": hardware, **more})


def worst(lock: Lock, what: str, *, limited: bool = True) -> Decimal:
    return price_of(what, lock, LIST_RATES, limited=limited)[0]


@pytest.mark.parametrize("gpu", get_args(Gpu))
def test_an_attempt_at_a_long_video_fits_below_the_usual_limit_on_every_gpu(gpu):
    lock = lock_on(gpu, timeouts=VIDEO)
    assert sum(worst(lock, what) for what in ("build", "preflight", "test")) < DEFAULT_RUN_USD


def test_the_worst_case_of_the_tests_is_all_their_time_at_what_the_app_is_limited_to():
    lock = lock_on("L4", timeouts=VIDEO)
    seconds = 600 + 4 * 1920 + 60 + 120
    rate = LIST_RATES.per_second("L4", 4, 64 * 1024)
    assert price_of("test", lock, LIST_RATES, limited=True) == (dollars(seconds * rate), rate)
    two = lock_on("L4", timeouts=VIDEO, scaling=lock.scaling.model_copy(update={"max_containers": 5}))
    assert worst(two, "test") == dollars(2 * seconds * rate)  # two calls at once, at most


def test_the_calls_of_a_grid_share_the_containers_that_are_there_all_the_time():
    lock = lock_on("L4")
    four = lock_on("L4", scaling=lock.scaling.model_copy(update={"min_containers": 4, "max_containers": 4}))
    one, rate = price_of("vary", lock, LIST_RATES, limited=True)
    for at_once, share in ((1, 4), (2, 2), (4, 1)):
        assert price_of("vary", four, LIST_RATES, limited=True, at_once=at_once) == (
            pytest.approx(share * one, abs=Decimal("0.00001")),
            share * rate,
        )


def test_an_app_that_does_not_limit_itself_may_cost_more():
    """Of an older Flowberth, or edited by hand."""
    lock = lock_on("L4")
    source = render(lock, {}, {})["app.py"]
    assert is_limited(source, lock)
    assert not is_limited(source.replace(b"cpu=(4.0, 4.0)", b"cpu=4.0"), lock)
    assert not is_limited(source.replace(b"memory=(65536, 65536)", b"memory=(65536, 344064)"), lock)
    assert worst(lock, "test", limited=False) > 2 * worst(lock, "test")


def test_models_are_fetched_as_part_of_the_build():
    lock = lock_on("L4")
    with_model = Lock.model_validate({**lock.model_dump(mode="json"), "models": [MODEL]})
    assert Decimal("0.1") < worst(with_model, "build") - worst(lock, "build") < Decimal("0.5")
