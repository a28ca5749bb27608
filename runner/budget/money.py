"""US dollars as the ledger counts them: exact, to a millionth."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal, DecimalException
from typing import Annotated, Final

from pydantic import AfterValidator

MICRO: Final = Decimal("0.000001")
ZERO: Final = Decimal(0)
MOST: Final = Decimal("999999.999999")
"""What `NUMERIC(12, 6)` holds."""
_EXACT: Final = Context(prec=50, rounding=ROUND_CEILING)
"""More digits than any amount times any price has."""


def dollars(amount: Decimal | float | str) -> Decimal:
    """An amount to the millionth, rounded up: a ledger that rounds down can be emptied by small sums.

    A float counts as what it prints, so that 0.1 is a tenth.

    Raises:
        ValueError: less than nothing, more than `MOST`, or no number.
    """
    try:
        exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
        rounded = exact.quantize(MICRO, context=_EXACT)
    except DecimalException:
        raise ValueError(f"{amount!r} is no amount of US dollars") from None
    if rounded.is_nan() or not ZERO <= rounded <= MOST:
        raise ValueError(f"{amount!r} is no amount of US dollars that a ledger takes: 0 to {MOST}")
    return abs(rounded)  # of minus nothing


Dollars = Annotated[Decimal, AfterValidator(dollars)]
"""A field of a model."""
