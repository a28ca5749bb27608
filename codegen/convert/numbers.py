"""Numbers as JavaScript has them."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from codegen.json_values import is_list, is_object

if TYPE_CHECKING:
    from codegen.model import JsonObject

SAFE_INTEGER = 2**53
"""Beyond it a double does not hold every integer."""
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?Infinity", re.ASCII)
_PREFIXED = re.compile(r"0[xX][0-9a-fA-F]{1,13}|0[oO][0-7]{1,17}|0[bB][01]{1,53}", re.ASCII)
EXPONENT_FROM = 1e21
"""Where JavaScript begins to write exponents."""


def as_javascript(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value as JavaScript would write it, at every depth: 8.0 is 8, integers beyond 2^53 are rounded to a double."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return _whole(value) if value.is_integer() and abs(value) < EXPONENT_FROM else value
    if isinstance(value, int):
        return _rounded(value) if abs(value) > SAFE_INTEGER else value
    if is_list(value):
        return [as_javascript(item) for item in value]
    if is_object(value):
        return {key: as_javascript(item) for key, item in value.items()}
    return value


def _whole(value: float) -> int:
    """As JavaScript writes it: the fewest digits that mean this double, then zeros."""
    return int(Decimal(repr(value)))


def _rounded(value: int) -> float | None:
    try:
        return as_javascript(float(value))
    except OverflowError:
        return None  # JavaScript has Infinity here, which JSON writes as null


def number(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """JavaScript's `Number(value)`; `None` for NaN, which JSON writes as null."""
    while is_list(value) and len(value) < 2:  # noqa: PLR2004 - more are NaN
        value = value[0] if value else ""
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, int | float):
        return value
    return _number_in(value.strip()) if isinstance(value, str) else None


def _number_in(text: str) -> float | None:
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    return 0 if not text else None


def fitted(value: float, kind: str, options: JsonObject) -> float:
    """A number as a widget of type `kind` takes it when it is set: clamped, and rounded to its step.

    Source: ComfyUI_frontend, composables/widgets/useFloatWidget.ts and useIntWidget.ts.
    """
    low, high = _number(options.get("min")), _number(options.get("max"))
    if kind == "INT":
        step = _number(options.get("step")) or 1
        offset = low or 0
        value = _round((value - offset) / step) * step + offset if step != 1 else _round(value)
    else:
        digits, rounding = _rounding(options)
        if rounding and abs(value) < SAFE_INTEGER:
            value = round(_round(value / rounding) * rounding, digits)
    if low is not None:
        value = max(value, low)
    if high is not None:
        value = min(value, high)
    return value


def bounds(options: JsonObject) -> tuple[float, float]:
    """Least and greatest value of a number's widget."""
    low, high = _number(options.get("min")), _number(options.get("max"))
    return -math.inf if low is None else low, math.inf if high is None else high


DEFAULT_STEP = 0.5
"""Of a FLOAT that declares none."""
MAX_DIGITS = 15
"""More are noise in a double."""


def _rounding(options: JsonObject) -> tuple[int, float]:
    """Digits behind the point, and the multiple that is rounded to; 0 for none."""
    declared = options.get("round")
    if declared is False:
        return 0, 0
    rounding = _number(declared)
    if not rounding or rounding < 0:
        step = _number(options.get("step")) or DEFAULT_STEP
        rounding = 10.0 ** -_digits(step)
    return _digits(rounding), rounding


def _digits(step: float) -> int:
    return min(max(0, -math.floor(math.log10(abs(step)))), MAX_DIGITS)


def _round(value: float) -> float:
    """JavaScript's `Math.round`: halves go up, and there is nothing to round where a double holds integers only."""
    return value if abs(value) >= SAFE_INTEGER else math.floor(value + 0.5)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
