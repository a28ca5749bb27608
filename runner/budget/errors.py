"""The errors of `runner.budget`; the tree is drawn in the package's docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError

if TYPE_CHECKING:
    from decimal import Decimal

    from runner.budget.limits import LimitName

WHOSE: dict[LimitName, str] = {
    "run": "of this run",
    "repository": "of the repository for this month",
    "installation": "of the installation for this month",
}
"""A limit, as a sentence goes on after `the limit`."""


OF: dict[str, str] = {
    "build": "building the image",
    "models": "downloading the models",
    "preflight": "the preflight",
    "test": "the test",
    "serve": "serving the app",
    "language-model": "asking the language model",
}
"""What costs, as a sentence begins."""


class OverBudget(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """What was about to start could cost more than is left below a limit. It has not been started."""

    def __init__(
        self, limit_name: LimitName, limit: Decimal, *, spent: Decimal, reserved: Decimal, asked: Decimal, what: str
    ) -> None:
        beside = f" and {_usd(reserved)} reserved" if reserved else ""
        below = f"below the limit {WHOSE[limit_name]}, {_usd(limit)}: {_usd(spent)} spent{beside}"
        super().__init__(f"{OF.get(what, what)} may cost up to {_usd(asked)}, which does not fit {below}")
        self.limit_name: LimitName = limit_name
        self.limit = limit
        self.spent = spent
        """With the share that is held back until the bill has come."""
        self.reserved = reserved
        self.asked = asked
        self.what = what

    def __reduce__(self) -> tuple[object, ...]:
        amounts = {"spent": self.spent, "reserved": self.reserved, "asked": self.asked, "what": self.what}
        return (_over_budget, (self.limit_name, self.limit, amounts))


def _over_budget(limit_name: LimitName, limit: Decimal, rest: dict[str, Any]) -> OverBudget:
    return OverBudget(limit_name, limit, **rest)


def _usd(amount: Decimal) -> str:
    """Two digits, or as many as it takes to tell it from nothing."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount.normalize():.2g}"


class NotReserved(RunnerError):  # noqa: N818
    """Money is said to be spent that nobody has reserved."""


class PriceUnknown(RunnerError):  # noqa: N818
    """There is no price for it, so nobody can say what it costs at most. It has not been started."""
