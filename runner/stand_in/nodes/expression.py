"""ComfyMathExpression: arithmetic in Python's notation, evaluated without Python's `eval`.

Source: comfy_extras/nodes_math.py.
"""

# Python's operators are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runner.stand_in.node import Run

Value: TypeAlias = "float | list[float]"
MAX_EXPONENT = 4000
"""The real node's own bound."""
MAX_BITS = 65_536
"""Of a whole number on the way; far beyond every float."""
MAX_LENGTH = 10_000
"""Characters of an expression."""


def _sum(*values: Any) -> float:  # noqa: ANN401 - numbers, or one list of them
    return sum(cast("Iterable[float]", values[0])) if len(values) == 1 and isinstance(values[0], list) else sum(values)


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_EXPONENT:
        raise NodeError(f"Exponent {exponent} exceeds maximum allowed ({MAX_EXPONENT})")
    return cast("float", base**exponent)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "pow": _power,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "floor": math.floor,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "int": int,
    "float": float,
}


def _shifted(value: int, places: int) -> int:
    if places > MAX_BITS:
        raise NodeError("the expression makes a number that is too long")
    return value << places


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: _shifted,
    ast.RShift: operator.rshift,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def evaluate(expression: str, names: Mapping[str, Value]) -> float:
    """The number that an expression is.

    Raises:
        NodeError: it is none, or none that may be evaluated.
    """
    if not expression.strip():
        raise NodeError("Expression cannot be empty.")
    if len(expression) > MAX_LENGTH:
        raise NodeError(f"the stand-in engine takes expressions of at most {MAX_LENGTH} characters")
    try:
        result = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise NodeError(f"Math Expression {expression[:200]!r}: {error}") from None
    if not isinstance(result, int | float):
        raise NodeError(f"Math Expression {expression[:200]!r} must evaluate to a numeric result")
    if not math.isfinite(result):
        raise NodeError(f"Math Expression {expression[:200]!r} produced a non-finite result: {result}")
    return result


def _value(node: ast.expr, names: Mapping[str, Value]) -> Any:  # noqa: ANN401, PLR0911 - one case for each kind
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _bounded(_BINARY[type(sign)](_number(left, names), _number(right, names)))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_number(operand, names))
        case ast.BoolOp(op=sign, values=values):
            return _joined([*values], names, stop_at=isinstance(sign, ast.Or))
        case ast.Compare(left=left, ops=signs, comparators=others):
            found = [_number(part, names) for part in (left, *others)]
            pairs = zip(found, signs, found[1:], strict=False)
            return all(_COMPARE[type(sign)](one, other) for one, sign, other in pairs)
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return _value(body if _value(test, names) else otherwise, names)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _bounded(FUNCTIONS[name](*(_value(argument, names) for argument in arguments)))
        case _:
            raise NodeError(f"the expression holds what may not be evaluated: {ast.unparse(node)[:80]}")


def _joined(values: list[ast.expr], names: Mapping[str, Value], *, stop_at: bool) -> Any:  # noqa: ANN401
    found: Any = None
    for value in values:
        found = _value(value, names)
        if bool(found) is stop_at:
            break
    return found


def _number(node: ast.expr, names: Mapping[str, Value]) -> float:
    found = _value(node, names)
    if not isinstance(found, int | float):
        raise NodeError("the expression calculates with what is no number")
    return found


def _bounded(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise NodeError("the expression makes a number that is too long")
    return value


def _expression(call: Call) -> Given:
    names: dict[str, Any] = {
        name.removeprefix("values."): value for name, value in call.inputs.items() if name.startswith("values.")
    }
    numbers = {name: value for name, value in names.items() if isinstance(value, int | float)}
    result = evaluate(str(call.inputs.get("expression") or ""), {**numbers, "values": list(numbers.values())})
    return Given((float(result), int(result), bool(result)))


NODES: dict[str, Run] = {"ComfyMathExpression": _expression}
