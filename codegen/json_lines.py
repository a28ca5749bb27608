"""Where in a JSON text a value is, for messages and annotations that name the line."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Step: TypeAlias = str | int
"""A key of an object or an index of a list."""

_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++', re.DOTALL)


class Lines:
    """Of one text, which is JSON that parses; read once."""

    def __init__(self, text: str) -> None:
        self._offsets = dict(_places(text))
        self._breaks = [match.start() for match in re.finditer("\n", text)]

    def of(self, path: Sequence[Step]) -> int:
        """Line, from 1, of what a path leads to; else of the last thing on the way that is there."""
        ways = (tuple(path[:length]) for length in range(len(path), 0, -1))
        offset = next((self._offsets[way] for way in ways if way in self._offsets), 0)
        return bisect_left(self._breaks, offset) + 1


def spelled(path: Sequence[Step]) -> str:
    """`models[2].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _places(text: str) -> Iterator[tuple[tuple[Step, ...], int]]:
    """Every path with its offset: of the key in an object, of the value in a list."""
    stack: list[Step | None] = []
    """The step inside each open value; `None` where a key is to come."""
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in "]}":
            stack.pop()
            continue
        if mark == ":":
            continue
        inside = stack[-1] if stack else None
        if mark == ",":
            stack[-1] = inside + 1 if isinstance(inside, int) else None
            continue
        if stack and inside is None:
            stack[-1] = str(json.loads(mark, strict=False))
            yield _path(stack), match.start()
            continue
        if isinstance(inside, int):
            yield _path(stack), match.start()
        if mark in "[{":
            stack.append(0 if mark == "[" else None)


def _path(stack: Sequence[Step | None]) -> tuple[Step, ...]:
    return tuple(step for step in stack if step is not None)
