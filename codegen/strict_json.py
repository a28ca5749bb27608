"""JSON from strangers: strict, bounded, and never a surprise.

Python's own parser accepts `NaN`, keeps the last of two equal keys, and recurses. Here each of these is an error that
says where to look.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from codegen.errors import MalformedJson
from codegen.json_values import as_list, is_object

MAX_BYTES = 25 * 1024 * 1024
"""GitHub's limit for an attached file (docs: attaching files); 40 times the largest workflow in public templates."""

MAX_DEPTH = 200
"""Nested lists and objects. Real workflows stay below 20; the parser's own recursion ends near 1,000."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse UTF-8 JSON (a byte order mark is allowed).

    Raises:
        MalformedJson: not strict JSON, or beyond a limit; the message says which and where.
    """
    if len(data) > MAX_BYTES:
        raise MalformedJson(f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are accepted")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MalformedJson("the file is UTF-16; save it as UTF-8")
    _check_depth(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"the file is not UTF-8: byte {error.start} cannot be decoded") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded_int
        )
    except json.JSONDecodeError as error:
        raise MalformedJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:  # unreachable behind the depth check; kept so that a change there cannot crash the caller
        raise MalformedJson("nested too deeply") from None
    if "\\u" in text or "\\U" in text:
        _check_surrogates(value)
    return value


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested more than {MAX_DEPTH} levels deep at byte {match.start():,}")
        elif first in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedJson(f"the key {_short(key)} occurs twice in one object; remove one of them")
            seen.add(key)
    return result


def _no_constant(name: str) -> float:
    raise MalformedJson(f"{name} is not a JSON value; give a number or null")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedJson(f"the number {_short(text)} is too large")
    return value


MAX_INTEGER_DIGITS = 308
"""As many as every double has room for: JavaScript reads infinity beyond, and Python refuses to convert."""


def _bounded_int(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise MalformedJson(f"the number {_short(text)} is too large")
    return int(text)


def _check_surrogates(root: Any) -> None:  # noqa: ANN401
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            if _SURROGATE.search(value):
                raise MalformedJson(f"the text {_short(value)} holds half of a surrogate pair")
        elif is_object(value):
            stack.extend(value)
            stack.extend(value.values())
        else:
            stack.extend(as_list(value))


SHOWN_CHARACTERS = 60
"""Of a hostile text in a message."""


def _short(text: str) -> str:
    shown = ascii(text)
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 1] + "…"
