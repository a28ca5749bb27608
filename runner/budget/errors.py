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
    "vary": "making a variation",
    "variations": "making the variations",
    "serve": "serving the app",
    "language-model": "asking the language model",
}
"""What costs, as a sentence begins."""


NEEDS: dict[str, str] = {"variations": "needs"}
"""How the sentence goes on, where the amount is not the worst case."""


RAISED_BY: dict[LimitName, str] = {
    "run": "`budget_usd` in .github/flowberth.yml sets it, below what the server allows",
    "repository": "`monthly_budget_usd` in .github/flowberth.yml sets it, and a new month begins with nothing spent",
    "installation": "whoever runs the server sets it, and a new month begins with nothing spent",
}
"""Where a limit is set."""


class OverBudget(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """A limit is in the way: what was about to start has not been started, or what was going on has been stopped."""

    def __init__(self, message: str, limit_name: LimitName | None = None) -> None:
        super().__init__(f"{message}; {RAISED_BY[limit_name]}" if limit_name else message)
        self.limit_name: LimitName | None = limit_name
        """`None`: what was reserved for it alone."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_again, (type(self), str(self), self.__dict__))


def _again(kind: type[OverBudget], message: str, facts: dict[str, Any]) -> OverBudget:
    error = kind.__new__(kind, message)
    error.__dict__.update(facts)
    return error


class DoesNotFit(OverBudget):
    """What was about to start could cost more than is left below a limit. It has not been started."""

    def __init__(
        self, limit_name: LimitName, limit: Decimal, *, spent: Decimal, reserved: Decimal, asked: Decimal, what: str
    ) -> None:
        beside = f" and {shown(reserved)} reserved" if reserved else ""
        below = f"below the limit {WHOSE[limit_name]}, {shown(limit)}: {shown(spent)} spent{beside}"
        needs = NEEDS.get(what, "may cost up to")
        super().__init__(f"{OF.get(what, what)} {needs} {shown(asked)}, which does not fit {below}", limit_name)
        self.limit = limit
        self.spent = spent
        """With the share that is held back until the bill has come."""
        self.reserved = reserved
        self.asked = asked
        self.what = what


class UsedUp(OverBudget):
    """What was going on has come to the end of what it may cost. It has been stopped."""


def shown(amount: Decimal) -> str:
    """An amount for people: two digits, or as many as it takes to tell it from nothing."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount.normalize():.2g}"


class NotReserved(RunnerError):  # noqa: N818
    """Money is said to be spent that nobody has reserved."""


class PriceUnknown(RunnerError):  # noqa: N818
    """There is no price for it, so nobody can say what it costs at most. It has not been started."""
