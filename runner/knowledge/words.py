"""From text to the words that are indexed and looked for.

Postgres' own parser takes paths, hosts and versions for one word each, knows no CamelCase, and takes a line of Chinese
for one word. So text is taken apart here, the same way for documents and queries, and Postgres gets nothing but letters
and digits between spaces: what it then does is stemming and stop words.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_WORD: Final = 80
"""Characters. Longer runs are data, such as base64, and nobody looks for them."""
MOST_PARTS: Final = 12
"""Of one identifier."""
_RUN = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
"""Letters and digits; underscores join them to one identifier."""
_PART = re.compile(r"[0-9]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_]")
_OTHER_SCRIPTS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
"""Scripts that put no spaces between words (and Korean, which puts few): every two neighbours count as a word."""


def words_of(text: str) -> Iterator[str]:
    """Lower-case words of letters and digits, in their order; an identifier is followed by what it is made of.

    `KSamplerAdvanced` gives `ksampleradvanced`, then `k`, `sampler`, `advanced`, then the neighbours joined:
    `ksampler`, `sampleradvanced`.
    """
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        if len(run) <= LONGEST_WORD:
            yield from _words(run)


def split(text: str) -> str:
    """The words with spaces between them: fit for `to_tsvector`."""
    return " ".join(words_of(text))


def spaced(identifier: str) -> str:
    """`UpscaleModelLoader` as `Upscale Model Loader`."""
    return " ".join(_PART.findall(identifier)[:MOST_PARTS])


def _words(run: str) -> Iterator[str]:
    if _OTHER_SCRIPTS.search(run):
        yield from _neighbours(run)
        return
    whole = _lower(run)
    yield whole
    if run.isascii():
        parts = [part.lower() for part in _PART.findall(run)][:MOST_PARTS]
        if len(parts) > 1:
            yield from parts
            joined = ("".join(pair) for pair in pairwise(parts))
            yield from (pair for pair in joined if pair != whole)


def _neighbours(run: str) -> Iterator[str]:
    start = 0
    for found in _OTHER_SCRIPTS.finditer(run):
        if before := run[start : found.start()]:
            yield from _words(before)
        start = found.end()
        characters = found[0]
        yield from (characters[at : at + 2] for at in range(max(1, len(characters) - 1)))
    if after := run[start:]:
        yield from _words(after)


def _lower(run: str) -> str:
    """As Postgres cannot: on a server with the locale `C` it knows the case of ASCII only."""
    return "".join(char for char in run.casefold() if char.isalnum())
