"""What of a text of others is sent: what can be seen of it, without credentials, and not endless."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from codegen.json_values import is_list, is_object
from runner.redaction import redacted
from runner.repair.evidence import LONGEST, normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LONGEST_LINE: Final = 600
"""Characters. Longer ones are data, not messages."""
NEAR: Final = 3
"""Lines before and after one that tells of an error, which belong to it."""
MOST_PLACES: Final = 30
"""Lines that tell of errors; the last ones, as the first are often told again."""
CUT: Final = "[… {} lines left out]"
CUT_LINE: Final = "[…]"
GAP_BYTES: Final = 48
"""Of `CUT` with any number that occurs."""
LONGEST_READ: Final = 8000
"""Characters of one text in JSON that are looked at: a traceback has fewer."""
LONGEST_SECRET: Final = 1000
"""Characters. Keys in several lines are longer, and known by their first."""
DEEPEST: Final = 20
"""Levels of JSON that are looked at."""
ENDS: Final = 3
"""Lines of the end for each of the beginning: the end has how it went wrong."""
_ERROR: Final = re.compile(
    r"(?i)error|exception|traceback|fail|fatal|cannot|could not|unable|denied|refused|not found|no such|no module"
    r"|missing|mismatch|invalid|unsupported|incompatible|killed|out of memory|timed? ?out|undefined|conflict"
)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Categories of what is not seen but read: controls, directions, tags, halves of pairs, private and unassigned."""
_UNSEEN_MARKS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Variation selectors and fillers: letters and marks by category, and invisible."""


def visible(text: str) -> str:
    """The text with its lines and tabs, without anything else that people would not see."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    text = _UNSEEN_MARKS.sub("", text)
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in _UNSEEN)


def excerpt(text: str, most_bytes: int, known: Collection[str] = ()) -> str:
    """A log in at most so many bytes of UTF-8: lines about errors first, then the end, then the beginning.

    What is left out is said in its place. Credentials go before anything is cut, so that none is halved.
    """
    text = text.strip("\r\n")
    if len(text) > LONGEST:
        text = redacted(text, known)  # for `normalise` cuts it
    lines = [_cut(line) for line in redacted(visible(normalise(text)), known).split("\n")]
    as_came = text.split("\n")
    left = most_bytes - GAP_BYTES
    chosen: set[int] = set()
    for index in _by_worth(as_came if len(as_came) == len(lines) else lines):
        alone = not {index - 1, index + 1} & chosen
        cost = len(lines[index].encode()) + 1 + GAP_BYTES * alone
        if index in chosen or cost > left:
            continue
        chosen.add(index)
        left -= cost
    if len(chosen) == len(lines):
        return "\n".join(lines)
    return "\n".join(_with_gaps(lines, chosen))


def as_data(value: object, most_bytes: int, known: Collection[str] = (), longest: int = LONGEST_LINE) -> str:
    """JSON of anybody on one line, with the texts in it as `excerpt` has them; what is too much is cut at the end."""
    clean = _Cleaner(known, longest, most_bytes).clean(value)
    text = redacted(json.dumps(clean, ensure_ascii=False, default=str), known)  # a name may give a value away
    data = text.encode()
    return text if len(data) <= most_bytes else data[: most_bytes - 8].decode(errors="ignore") + CUT_LINE


def line(text: str, most: int = LONGEST_LINE, known: Collection[str] = ()) -> str:
    """One line for people, of somebody's text."""
    words = " ".join(redacted(visible(normalise(text)), known).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def _by_worth(lines: list[str]) -> Iterator[int]:
    """With the level that a logger has set before a line, where that is still there."""
    places = [index for index, line in enumerate(lines) if _ERROR.search(line)][-MOST_PLACES:]
    near = (range(max(0, place - NEAR), min(len(lines), place + NEAR + 1)) for place in reversed(places))
    ends = (
        (*range(len(lines) - 1 - turn * ENDS, max(-1, len(lines) - 1 - (turn + 1) * ENDS), -1), turn)
        for turn in range(-(-len(lines) // ENDS))
    )
    return chain(reversed(places), chain.from_iterable(near), chain.from_iterable(ends))


def _with_gaps(lines: list[str], chosen: set[int]) -> Iterator[str]:
    gap = 0
    for index, line in enumerate(lines):
        if index not in chosen:
            gap += 1
            continue
        if gap:
            yield CUT.format(gap)
        gap = 0
        yield line
    if gap:
        yield CUT.format(gap)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]}{CUT_LINE}{line[-LONGEST_LINE // 2 :]}"


class _Cleaner:
    """JSON with its texts visible and without credentials, as much of it as is needed."""

    def __init__(self, known: Collection[str], longest: int, most: int) -> None:
        self._known = known
        self._longest = longest
        self._left = most
        """Characters. What comes after them would be cut anyway."""

    def clean(self, value: object, deep: int = 0) -> Any:  # noqa: ANN401 - any JSON value
        """The value; keys of objects are texts, too."""
        self._left -= 1
        if isinstance(value, str):
            return self._text(value)
        if deep == DEEPEST:
            return CUT_LINE
        if is_object(value):
            cleaned: dict[str, Any] = {}
            for key, each in value.items():
                if self._left <= 0:
                    break
                cleaned[self._text(key)] = self.clean(each, deep + 1)
            return cleaned
        if is_list(value):
            return [self.clean(each, deep + 1) for each in value if self._left > 0]
        return value

    def _text(self, text: str) -> str:
        if len(text) <= LONGEST_READ:
            head = tail = self._seen(text)
            fits = len(head) <= self._longest
        else:  # the ends that are cut may be halves of a secret
            head = self._seen(text[: LONGEST_READ // 2])[:-LONGEST_SECRET]
            tail = self._seen(text[-LONGEST_READ // 2 :])[LONGEST_SECRET:]
            fits = False
        half = self._longest // 2
        text = head if fits else f"{head[:half]}{CUT_LINE}{tail[-half:]}"
        self._left -= len(text)
        return text

    def _seen(self, text: str) -> str:
        return redacted(visible(normalise(text)), self._known)
