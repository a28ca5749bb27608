"""What the frontend does to texts on their way to the server: dynamic prompts, and references to other widgets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_COMMENT = re.compile(r"//[^\n\r\u2028\u2029]*")
_COMMENT = re.compile(rf"/\*|{_LINE_COMMENT.pattern}")
_REFERENCE = re.compile(r"%([^%]+)%")
_UNFIT_FOR_FILES = re.compile(r"""[/?<>\\:*|"\x00-\x1F\x7F]""")
_REFERENCE_PARTS = 2


def first_alternatives(text: str) -> tuple[str, tuple[str, ...]]:
    """A dynamic prompt with the first of each `{a|b}` taken (the frontend draws one), and what was taken.

    Of alternatives inside others only the outermost are told; braces around a single text are no choice.

    Source: ComfyUI_frontend, src/utils/formatUtil.ts, `processDynamicPrompt`.
    """
    text = _without_comments(text)
    out: list[str] = []
    chosen: list[str] = []
    depth = 0
    begin = 0
    """Where the outermost braces begin in `out`."""
    choice = False
    """Whether there is more than one alternative in them."""
    skipped_from = 0
    """The depth whose first alternative has ended; 0 while nothing is skipped."""
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char == "\\" and text[index : index + 1] in _ESCAPABLE:
            char, index = text[index], index + 1
        elif char == "{":
            depth += 1
            if depth == 1:
                begin, choice = len(out), False
            continue
        elif char == "}" and depth:
            skipped_from = 0 if skipped_from == depth else skipped_from
            depth -= 1
            if not depth and choice:
                chosen.append("".join(out[begin:]))
            continue
        elif char == "|" and depth:
            skipped_from, choice = skipped_from or depth, True
            continue
        if not skipped_from:
            out.append(char)
    if depth and choice:
        chosen.append("".join(out[begin:]))
    return "".join(out), tuple(chosen)


_ESCAPABLE = ("{", "|", "}")


def _without_comments(text: str) -> str:
    """Without `// …` and `/* … */`, in one pass over the text."""
    kept: list[str] = []
    position = 0
    comment = _COMMENT
    while match := comment.search(text, position):
        end = match.end()
        if match.group() == "/*":
            closing = text.find("*/", end)
            if closing < 0:
                comment = _LINE_COMMENT  # no later block comment ends either
                continue
            end = closing + 2
        kept.append(text[position : match.start()])
        position = end
    return "".join((*kept, text[position:]))


def replace_references(text: str, lookup: Callable[[str, str], str | None]) -> tuple[str, bool]:
    """`%Node.widget%` replaced by that widget's value; whether a date had to be left for the moment of running.

    `lookup(node, widget)` gives the value as text, or `None` if there is no such node or widget.
    """
    dated = False

    def replace(match: re.Match[str]) -> str:
        nonlocal dated
        parts = match.group(1).split(".")
        if parts[0].startswith("date:"):
            dated = True
            return match.group(0)
        if len(parts) != _REFERENCE_PARTS:
            return match.group(0)
        found = lookup(parts[0], parts[1])
        return match.group(0) if found is None else _UNFIT_FOR_FILES.sub("_", found)

    return _REFERENCE.sub(replace, text), dated
