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
    if isinstance(value, int | float):
        return _written(value)
    if is_list(value):
        return [as_javascript(item) for item in value]
    if is_object(value):
        return {key: as_javascript(item) for key, item in value.items()}
    return value


def _written(value: float) -> float | None:
    """With the fewest digits that mean this double, then zeros; `None` for Infinity and NaN, as JSON writes them."""
    if isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return value
    try:
        double = float(value)
    except OverflowError:
        return None
    if not math.isfinite(double):
        return None
    return int(Decimal(repr(double))) if double.is_integer() and abs(double) < EXPONENT_FROM else double


def number(value: Any) -> float:  # noqa: ANN401 - any JSON value
    """JavaScript's `Number(value)`."""
    while is_list(value) and len(value) < 2:  # noqa: PLR2004 - more are NaN
        value = value[0] if value else ""
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, int | float):
        return value
    return _number_in(value.strip()) if isinstance(value, str) else math.nan


def _number_in(text: str) -> float:
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    return math.nan if text else 0


def fitted(value: float, kind: str, options: JsonObject) -> float:
    """A number as a widget of type `kind` takes it when it is set: rounded to its step, and a FLOAT kept in its bounds.

    Source: ComfyUI_frontend, composables/widgets/useFloatWidget.ts and useIntWidget.ts.
    """
    if math.isnan(value):
        return value
    low, high = bounds(options)
    if kind == "INT":
        step = _number(options.get("step")) or 1
        return _round((value - low) / step) * step + low if step != 1 else _round(value)
    digits, rounding = _rounding(options)
    if not rounding:
        return value
    if abs(value) < SAFE_INTEGER:
        value = round(_round(value / rounding) * rounding, digits)
    return min(max(value, low), high)


def bounds(options: JsonObject) -> tuple[float, float]:
    """Least and greatest value of a number's widget."""
    low, high = _number(options.get("min")), _number(options.get("max"))
    return 0 if low is None else low, DEFAULT_MAX if high is None else high


DEFAULT_MAX = 2048
"""Of a number that declares none."""
NOT_COMPARED = frozenset(
    {
        "default", "forceInput", "defaultInput", "control_after_generate", "multiline", "tooltip", "dynamicPrompts",
        "min", "max", "step",
    }
)  # fmt: skip
"""Options in which two numbers may differ and still be one."""


def shared_options(first: JsonObject, second: JsonObject) -> JsonObject | None:
    """The options of one widget for two numbers; `None` if it cannot serve both.

    Source: ComfyUI_frontend, utils/nodeDefUtil.ts, `mergeNumericInputSpec`.
    """
    if any(first.get(key) != second.get(key) for key in (first.keys() | second.keys()) - NOT_COMPARED):
        return None
    limits = [
        (_number(options.get("min")), _number(options.get("max")), _number(options.get("step")) or 1)
        for options in (first, second)
    ]
    low = max((low for low, _, _ in limits if low is not None), default=None)
    high = min((high for _, high, _ in limits if high is not None), default=None)
    if low is not None and high is not None and low > high:
        return None
    steps = [step for _, _, step in limits]
    step = math.lcm(*map(int, steps)) if all(float(step).is_integer() for step in steps) else max(steps)
    return {**first, **second, "min": low, "max": high, "step": step}


DEFAULT_STEP = 0.5
"""Of a FLOAT that declares none."""
MAX_DIGITS = 15
"""More are noise in a double."""


def _rounding(options: JsonObject) -> tuple[int, float]:
    """Digits behind the point, and the multiple that is rounded to; 0 for none."""
    digits = _digits(_number(options.get("step")) or DEFAULT_STEP)
    declared = _number(options.get("round"))
    if declared:
        return digits, declared
    return digits, 10.0**-digits if digits else 0


def _digits(step: float) -> int:
    return min(max(0, -math.floor(math.log10(abs(step)))), MAX_DIGITS)


def _round(value: float) -> float:
    """JavaScript's `Math.round`: halves go up, and there is nothing to round where a double holds integers only."""
    return value if abs(value) >= SAFE_INTEGER else math.floor(value + 0.5)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
