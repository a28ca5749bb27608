"""What somebody looks for, read from what they typed: never SQL, and never a mistake.

    upscale a portrait          any of the words; entries with more and rarer ones come first
    "out of memory"             these words in this order, or it is no hit
    upscale -anime              not with this word; -"two words" is the same for a phrase

Whatever else is typed is a word, or nothing. In what was pasted, several lines or one of a traceback, nothing is a
condition: its quotes are those of Python, and name a path of another machine.
"""

from __future__ import annotations

import re
from typing import Final

from runner.knowledge.words import words_of
from runner.model import Frozen

LONGEST_TEXT: Final = 2_000
"""Characters of a query. A pasted traceback is longer, and its end says what happened: the end counts."""
LONGEST_MEANING: Final = 256
"""Characters of it of which it is asked what they mean: the longer a text is, the longer a model takes. Here, too, the
end counts."""
MOST_WORDS: Final = 40
"""Different ones that are looked for."""
MOST_CONDITIONS: Final = 8
_TERM = re.compile(
    r'(?P<minus>(?<!\S)-)?(?:["\u201c\u201d\u201e](?P<phrase>[^"\u201c\u201d\u201e]*)["\u201c\u201d]|(?P<word>[^\s"\u201c\u201d\u201e]+))'
)
_PASTED = re.compile(r'\n|\bFile "[^"]*", line \d')


class Query(Frozen):
    """All words are lower-case letters and digits."""

    words: tuple[str, ...]
    """Any of them may be there."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """All of them must be there."""
    without: tuple[tuple[str, ...], ...] = ()
    """None of them may."""
    text: str = ""
    """What is wanted, in the words it was typed."""

    @property
    def meaning(self) -> str:
        """What is wanted, no longer than is of use for its meaning."""
        return self.text[-LONGEST_MEANING:].strip()

    @property
    def condition(self) -> str:
        """For `websearch_to_tsquery`; empty if there is none."""
        wanted = [f'"{" ".join(phrase)}"' for phrase in self.phrases]
        return " ".join([*wanted, *(f'-"{" ".join(phrase)}"' for phrase in self.without)])


def read_query(typed: str) -> Query:
    """Any text is a query; one without letters and digits looks for nothing."""
    words: dict[str, None] = {}
    phrases: list[tuple[str, ...]] = []
    without: list[tuple[str, ...]] = []
    wanted: list[str] = []
    pasted = _PASTED.search(typed.strip()) is not None
    for term in _TERM.finditer(typed[-LONGEST_TEXT:]):
        said = term["phrase"] if term["word"] is None else term["word"]
        found = tuple(words_of(said))
        if not found:
            continue
        if term["minus"] and not pasted:
            without.append(found[:MOST_WORDS])
            continue
        wanted.append(said)
        words.update(dict.fromkeys(found))
        if term["word"] is None and not pasted:
            phrases.append(found[:MOST_WORDS])
    return Query(
        words=tuple(words)[-MOST_WORDS:],
        phrases=tuple(phrases[:MOST_CONDITIONS]),
        without=tuple(without[:MOST_CONDITIONS]),
        text=" ".join(wanted),
    )
