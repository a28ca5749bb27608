"""The prices of an account count where it tells them, under names and in a unit that can be believed."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal

from runner.budget.live_rates import FRESH_SECONDS, LiveRates, account_rates
from runner.budget.prices import LIST_RATES
from runner.targets.modal.errors import ModalUnavailable

TODAY = date(2026, 11, 21)


class Account:
    """What it answers, and how often it was asked."""

    def __init__(self, **rates: str) -> None:
        self.rates = {name: Decimal(rate) for name, rate in rates.items()}
        self.asked: list[str] = []
        self.seconds = 0.0
        self.down = False

    def __call__(self, owner: str) -> dict[str, Decimal]:
        self.asked.append(owner)
        if self.down:
            raise ModalUnavailable("Modal does not answer")
        return self.rates

    def live(self) -> LiveRates:
        return LiveRates(self, lambda: TODAY, lambda: self.seconds)


def test_what_an_account_tells_takes_the_place_of_the_list():
    found = account_rates(
        {"a100_80gb": Decimal("0.0005"), "Cpu": Decimal("0.00001"), "MEMORY": Decimal("0.000002")}, TODAY
    )
    assert (found.live, found.as_of) == (True, TODAY)
    assert found.gpus["A100-80GB"] == Decimal("0.0005")
    assert (found.cpu_core, found.memory_gib) == (Decimal("0.00001"), Decimal("0.000002"))
    assert found.gpus["L4"] == LIST_RATES.gpus["L4"]  # not told


def test_what_is_of_another_unit_is_not_believed(caplog):
    by_the_hour = {"L4": Decimal("0.8"), "T4": Decimal(0), "H100": Decimal("NaN"), "STORAGE": Decimal("0.000001")}
    with caplog.at_level(logging.WARNING):
        assert account_rates(by_the_hour, TODAY) == LIST_RATES
    assert len(caplog.records) == 3


def test_an_account_is_asked_once_an_hour_whether_it_answers_or_not():
    account = Account(L4="0.0002")
    rates = account.live()
    assert rates("octo").gpus["L4"] == rates("octo").gpus["L4"] == Decimal("0.0002")
    assert account.asked == ["octo"]
    account.down = True
    account.seconds = FRESH_SECONDS
    assert rates("octo") == rates("octo") == LIST_RATES
    assert rates("hank") == LIST_RATES
    assert account.asked == ["octo", "octo", "hank"]
    account.down = False
    account.seconds = 2 * FRESH_SECONDS
    assert rates("octo").live
