"""The only way for a value to become Python source, and the check of what came out."""

from __future__ import annotations

import ast
import re
from typing import TypeAlias

from codegen.errors import UnsafeLiteral

Literal: TypeAlias = "str | int | float | bool | None | tuple[Literal, ...] | list[Literal]"

_PLAIN_TEXT = re.compile(r"[A-Za-z0-9 _.,:@/+=~!|\[\]-]*")
MAX_TEXT = 500
"""Characters of one literal: pins, names and URLs are shorter."""

ALLOWED_NODES: frozenset[type[ast.AST]] = frozenset(
    {
        ast.Module, ast.Expr, ast.Import, ast.ImportFrom, ast.alias, ast.Assign, ast.Name, ast.Load, ast.Store, ast.Attribute, ast.Call,
        ast.keyword, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.If, ast.IfExp,
        ast.Return, ast.BinOp, ast.Div, ast.Mult, ast.Subscript, ast.Starred, ast.JoinedStr, ast.FormattedValue,
    }
)  # fmt: skip
"""What the template of `app.py` consists of. Nothing here can be reached by a workflow's own text."""


def literal(value: object) -> str:
    """`repr` of a value of a plain type.

    Raises:
        UnsafeLiteral: another type, or a text with anything but the letters that pins and names are made of.
    """
    match value:
        case bool() | None | int():
            return repr(value)
        case float():
            if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is the one value unlike itself
                raise UnsafeLiteral("a number in app.py must be finite")
            return repr(value)
        case str():
            if len(value) > MAX_TEXT or not _PLAIN_TEXT.fullmatch(value):
                raise UnsafeLiteral(f"{ascii(value)[:80]} may not appear in app.py")
            return '"' + value + '"'
        case list() | tuple():
            items = ", ".join(literal(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
            return f"[{items}]"
        case _:
            raise UnsafeLiteral(f"a value of type {type(value).__name__} may not appear in app.py")


def check_source(source: str) -> None:
    """Refuse source that does not parse or holds any syntax that the template does not use.

    Raises:
        UnsafeLiteral: it does.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UnsafeLiteral(f"the rendered app.py does not parse: {error}") from None
    for node in ast.walk(tree):
        if type(node) not in ALLOWED_NODES:
            raise UnsafeLiteral(f"the rendered app.py holds a {type(node).__name__}")
