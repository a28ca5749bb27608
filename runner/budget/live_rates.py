"""The prices of an account in the place of list prices, where it tells them."""

from __future__ import annotations

import logging
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runner.budget.prices import LIST_RATES, Rates
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

FRESH_SECONDS: Final = 3600.0
"""So long an answer counts, and that there was none. Prices change a few times a year."""
FARTHEST: Final = Decimal(4)
"""Times more or less than the list price, an account's own may be: discounts and regions are within. What is farther
away is of another unit. Modal publishes neither the names nor the unit of what it answers, so both are checked."""
_CPU: Final = frozenset({"CPU", "CPUCORE", "CPUCORES", "CORE", "CORES"})
_MEMORY: Final = frozenset({"MEMORY", "MEMORYGIB", "MEM", "MEMGIB", "RAM"})

log = logging.getLogger(__name__)


class LiveRates:
    """By login, of the account that the login's apps go to. Safe to use from several threads; never raises."""

    def __init__(
        self,
        ask: Callable[[str], Mapping[str, Decimal]],
        today: Callable[[], date],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask`: US dollars per second by the account's names of resources (`ModalTarget.rates`)."""
        self._ask = ask
        self._today = today
        self._clock = clock
        self._guard = threading.Lock()
        self._known: dict[str, tuple[float, Rates]] = {}

    def __call__(self, owner: str) -> Rates:
        """Those of now, or of an hour ago at most; list prices where there is no answer."""
        with self._guard:
            asked_at, known = self._known.get(owner, (None, LIST_RATES))
            if asked_at is not None and self._clock() - asked_at < FRESH_SECONDS:
                return known
        try:
            found = account_rates(self._ask(owner), self._today())
        except RunnerError as error:
            log.warning("list prices are used for %s: %s", owner or "this machine", error)
            found = LIST_RATES
        with self._guard:
            self._known[owner] = (self._clock(), found)
        return found


def account_rates(told: Mapping[str, Decimal], today: date, fallback: Rates = LIST_RATES) -> Rates:
    """What an account tells, under whatever spelling of the names; from `fallback` what it does not tell."""
    by_name = {_letters(name): usd for name, usd in told.items()}
    gpus = {
        gpu: usd
        for gpu, listed in fallback.gpus.items()
        if (usd := _credible(by_name.get(_letters(gpu)), listed, gpu)) is not None
    }
    cpu = _credible(_one_of(by_name, _CPU), fallback.cpu_core, "CPU")
    memory = _credible(_one_of(by_name, _MEMORY), fallback.memory_gib, "memory")
    if not gpus and cpu is None and memory is None:
        return fallback
    return fallback.model_copy(
        update={
            "as_of": today,
            "live": True,
            "gpus": fallback.gpus | gpus,
            "cpu_core": cpu or fallback.cpu_core,
            "memory_gib": memory or fallback.memory_gib,
        }
    )


def _letters(name: str) -> str:
    return "".join(character for character in name.upper() if character.isalnum())


def _one_of(by_name: Mapping[str, Decimal], names: frozenset[str]) -> Decimal | None:
    return next((usd for name, usd in by_name.items() if name in names), None)


def _credible(told: Decimal | None, listed: Decimal, name: str) -> Decimal | None:
    if told is None:
        return None
    if not told.is_finite() or not listed / FARTHEST <= told <= listed * FARTHEST:
        log.warning(
            "the account's price of %s, %s, is too far from the list's %s to be one of a second", name, told, listed
        )
        return None
    return told
