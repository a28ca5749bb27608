"""Words of which one must be in a text for an expression to match it: looked for first, because that is far quicker."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

SHORTEST: Final = 3
"""Letters of a word that is worth looking for."""
TOKEN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[^:)=!<]*[:)]|\(\?P<\w+>|\(\?<?[=!]|.", re.DOTALL)
"""An escape, a class of characters, the beginning of a group, or one character."""
_QUANTIFIER: Final = re.compile(r"\{\d*,?\d*\}|[?*+]")
_OPTIONAL: Final = re.compile(r"\?|\*|\{0?,")
_LITERAL: Final = re.compile(r"[A-Za-z0-9_'\"`/:,;=<>@%&#!~-]|\\[.()\[\]{}+*?|$^/-]")


@cache
def needles(pattern: str) -> tuple[str, ...]:
    """In lower case; none if nothing can be said of the pattern, which then has to be tried."""
    found, _ = _alternatives(pattern.removeprefix("~"), 0)
    return tuple(sorted(found))


def may_match(pattern: str, lowered: str) -> bool:
    """Whether a text, given in lower case, has one of the words."""
    words = needles(pattern)
    return not words or any(word in lowered for word in words)


def _alternatives(pattern: str, at: int) -> tuple[set[str], int]:
    """Words of which one is in whatever one of the alternatives matches, up to the end of their group."""
    found: set[str] = set()
    known = True
    while True:
        words, at = _sequence(pattern, at)
        known = known and bool(words)
        found |= words
        if at >= len(pattern) or pattern[at] == ")":
            return (found if known else set()), at
        at += 1  # the bar


def _sequence(pattern: str, at: int) -> tuple[set[str], int]:
    best: set[str] = set()
    run = ""
    while at < len(pattern) and pattern[at] not in "|)":
        token = TOKEN.match(pattern, at)
        assert token is not None
        at = token.end()
        words: set[str] = set()
        letter = ""
        if token[0].startswith("(") and not token[0].endswith(")"):
            inner, at = _alternatives(pattern, at)
            at += 1
            looking = token[0].endswith(("=", "!"))
            words = inner if not looking else words
        elif _LITERAL.fullmatch(token[0]):
            letter = token[0][-1].lower()
        quantifier = _QUANTIFIER.match(pattern, at)
        if quantifier is not None:
            at = quantifier.end() + (pattern[quantifier.end() : quantifier.end() + 1] in {"?", "+"})
            if _OPTIONAL.match(quantifier[0]):
                words, letter = set[str](), ""
        if letter and quantifier is None:
            run += letter
            continue
        best = _better(_better(best, {run}), words)
        run = letter
        if letter:
            best, run = _better(best, {run}), ""
    return _better(best, {run}), at


def _better(one: set[str], other: set[str]) -> set[str]:
    """The one whose shortest word is longer."""
    lengths = [min(map(len, words), default=0) for words in (one, other)]
    if max(lengths) < SHORTEST:
        return set()
    return one if lengths[0] >= lengths[1] else other
