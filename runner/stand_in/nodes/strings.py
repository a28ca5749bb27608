"""Texts. Source: comfy_extras/nodes_string.py. Regular expressions are in pattern.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.stand_in.node import Call, Given

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.stand_in.node import Run


def _text(call: Call, name: str = "string") -> str:
    return str(call.inputs.get(name) or "")


def _gives(make: Callable[[Call], Any]) -> Run:
    return lambda call: Given((make(call),))


def _case(call: Call) -> str:
    text = _text(call)
    match call.inputs.get("mode"):
        case "UPPERCASE":
            return text.upper()
        case "lowercase":
            return text.lower()
        case "Capitalize":
            return text.capitalize()
        case "Title Case":
            return text.title()
        case _:
            return text


def _trim(call: Call) -> str:
    text = _text(call)
    match call.inputs.get("mode"):
        case "Left":
            return text.lstrip()
        case "Right":
            return text.rstrip()
        case _:
            return text.strip()


def _pair(call: Call, first: str, second: str) -> tuple[str, str]:
    a, b = _text(call, first), _text(call, second)
    return (a, b) if call.inputs.get("case_sensitive", True) else (a.lower(), b.lower())


def _contains(call: Call) -> bool:
    text, part = _pair(call, "string", "substring")
    return part in text


def _compare(call: Call) -> bool:
    a, b = _pair(call, "string_a", "string_b")
    match call.inputs.get("mode"):
        case "Starts With":
            return a.startswith(b)
        case "Ends With":
            return a.endswith(b)
        case _:
            return a == b


NODES: dict[str, Run] = {
    "StringConcatenate": _gives(
        lambda call: _text(call, "delimiter").join((_text(call, "string_a"), _text(call, "string_b")))
    ),
    "StringSubstring": _gives(lambda call: _text(call)[call.inputs.get("start", 0) : call.inputs.get("end")]),
    "StringLength": _gives(lambda call: len(_text(call))),
    "StringReplace": _gives(lambda call: _text(call).replace(_text(call, "find"), _text(call, "replace"))),
    "StringContains": _gives(_contains),
    "StringCompare": _gives(_compare),
    "StringTrim": _gives(_trim),
    "CaseConverter": _gives(_case),
}
