"""The only way for a value to become Python source, and the check of what came out."""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, TypeAlias, cast

from codegen.errors import UnsafeLiteral

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.image import Command

Literal: TypeAlias = "str | int | float | bool | tuple[Literal, ...] | list[Literal] | None"

_PLAIN_TEXT = re.compile(r"[A-Za-z0-9 _.,:@/+=~!|\[\]-]*")
_QUOTED_TEXT = re.compile(r"[A-Za-z0-9 _.,:@/+=~!|\[\]<>*'-]*")
"""Of a command whose words are quoted, as `numpy<2` has to be."""
MAX_TEXT = 500
"""Characters of one literal: pins, names and URLs are shorter."""

ALLOWED_NODES: frozenset[type[ast.AST]] = frozenset(
    {
        ast.Module, ast.Expr, ast.Import, ast.ImportFrom, ast.alias, ast.Assign, ast.Name, ast.Load, ast.Store,
        ast.Attribute, ast.Call, ast.keyword, ast.Constant, ast.List, ast.Dict, ast.ClassDef, ast.FunctionDef,
        ast.arguments, ast.arg, ast.If, ast.IfExp, ast.Return, ast.BinOp, ast.Div, ast.Subscript, ast.Tuple,
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
            if not math.isfinite(value):
                raise UnsafeLiteral("a number in app.py must be finite")
            return repr(value)
        case str():
            if len(value) > MAX_TEXT or not _PLAIN_TEXT.fullmatch(value):
                raise UnsafeLiteral(f"{ascii(value)[:80]} may not appear in app.py")
            return '"' + value + '"'
        case list() | tuple():
            items = ", ".join(literal(item) for item in cast("Sequence[object]", value))
            return f"[{items}]"
        case _:
            raise UnsafeLiteral(f"a value of type {type(value).__name__} may not appear in app.py")


INDENT = 8
LINE_LENGTH = 120
"""As formatters leave it."""


def command_source(command: Command) -> str:
    """A command as a string literal: on one line, or, if it is too long for that, on several.

    Raises:
        UnsafeLiteral: it has other letters than commands have.
    """
    lines = command.lines()
    for line in lines:
        if len(line) > MAX_TEXT or not _QUOTED_TEXT.fullmatch(line):
            raise UnsafeLiteral(f"{ascii(line)[:80]} may not appear in app.py")
    whole = f'"{"".join(lines)}"'
    if len(lines) == 1 or INDENT + len(whole) + 1 <= LINE_LENGTH:
        return whole
    return f"\n{' ' * INDENT}".join(f'"{line}"' for line in lines)


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
