"""Texts cut to what GitHub takes, so that what is left still reads as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_BODY = 60_000
"""Characters of a comment, issue or pull request: GitHub refuses more than 65,536."""
LONGEST_OUTPUT_BYTES = 65_535
"""Of summary and text of a check run, each."""
LONGEST_TITLE = 256
"""Characters of an issue's or pull request's title."""
CUT = "\n\n*Cut here: it is longer than GitHub shows.*\n"

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_OPENING = re.compile(r"<details\b", re.IGNORECASE)
_CLOSING = re.compile(r"</details\s*>", re.IGNORECASE)


def cut_body(text: str) -> str:
    """At most `LONGEST_BODY` characters."""
    text = _encodable(text)
    return text if len(text) <= LONGEST_BODY else _cut(text, LONGEST_BODY, len)


def cut_output(text: str) -> str:
    """At most `LONGEST_OUTPUT_BYTES` bytes in UTF-8."""
    text = _encodable(text)
    return text if _bytes(text) <= LONGEST_OUTPUT_BYTES else _cut(text, LONGEST_OUTPUT_BYTES, _bytes)


def cut_line(text: str, longest: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(_encodable(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


@dataclass(frozen=True)
class _Open:
    """What a text has opened and not closed."""

    fence: str = ""
    details: int = 0

    def after(self, line: str) -> _Open:
        """The same, one line later."""
        fence = _FENCE.match(line)
        if self.fence:
            closes = fence and fence[1].startswith(self.fence) and not line.strip().strip(self.fence[0])
            return _Open("", self.details) if closes else self
        if fence:
            return _Open(fence[1], self.details)
        return _Open("", max(0, self.details + len(_OPENING.findall(line)) - len(_CLOSING.findall(line))))

    def closing(self) -> str:
        """What closes it."""
        return (f"\n{self.fence}\n" if self.fence else "") + "\n\n</details>" * self.details


def _encodable(text: str) -> str:
    """Halves of surrogate pairs, as file names may have them, are no Unicode."""
    return text.encode("utf-8", "replace").decode()


def _bytes(text: str) -> int:
    return len(text.encode())


def _cut(text: str, limit: int, size: Callable[[str], int]) -> str:
    """Whole lines as far as they fit, with what they left open closed: code fences and `<details>`."""
    kept: list[str] = []
    used = 0
    open_state = _Open()
    for line in text.splitlines(keepends=True):
        after = open_state.after(line)
        if used + size(line) + size(after.closing() + CUT) > limit:
            if not kept:  # one endless line: better a part of it than nothing
                room = limit - size(open_state.closing() + CUT)
                kept.append(line.encode()[:room].decode("utf-8", "ignore"))
            break
        kept.append(line)
        used += size(line)
        open_state = after
    return "".join(kept).rstrip() + open_state.closing() + CUT
