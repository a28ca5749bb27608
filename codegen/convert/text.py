"""What the frontend does to texts on their way to the server: dynamic prompts, and references to other widgets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//.*")
_REFERENCE = re.compile(r"%([^%]+)%")
_UNFIT_FOR_FILES = re.compile(r"""[/?<>\\:*|"\x00-\x1F\x7F]""")
_REFERENCE_PARTS = 2


def first_alternatives(text: str) -> tuple[str, bool]:
    """A dynamic prompt with the first of each `{a|b}` taken (the frontend draws one), and whether there was one.

    Source: ComfyUI_frontend, src/utils/formatUtil.ts, `processDynamicPrompt`.
    """
    text = _COMMENT.sub("", text)
    out: list[list[str]] = [[]]
    chosen = False
    skipping: list[bool] = []
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text) and text[index + 1] in "{|}":
            if not any(skipping):
                out[-1].append(text[index + 1])
            index += 2
            continue
        if char == "{":
            skipping.append(False)
            chosen = True
        elif char == "}" and skipping:
            skipping.pop()
        elif char == "|" and skipping:
            skipping[-1] = True
        elif not any(skipping):
            out[-1].append(char)
        index += 1
    return "".join(out[0]), chosen


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
