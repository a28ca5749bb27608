"""Why an entry was found: which of its own words the search's words are."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import sqlalchemy as sa

from runner.knowledge.rows import LANGUAGE, document_of
from runner.knowledge.words import split
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

Where: TypeAlias = Literal["title", "name", "error", "node", "model", "pack", "text"]
MOST_REASONS: Final = 4
"""Of one hit."""
MOST_OF_A_KIND: Final = 2
EXCERPT_WORDS: Final = 16
"""Of prose that are shown around what was found."""
MOST_EXAMINED: Final = 4_000
"""Characters of prose; Postgres takes it apart again for each hit."""
_ANY: Final = f"""
SELECT place, sum(weight) AS weight
FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS part(text, place), unnest(to_tsvector('{LANGUAGE}', text))
JOIN unnest(CAST(:words AS text[]), CAST(:weights AS float8[])) AS known(word, weight) ON word = lexeme
GROUP BY place
"""  # noqa: S608 - constants
_EXCERPT: Final = f"""
SELECT ts_headline('{LANGUAGE}', :prose, CAST(:query AS tsquery),
    'StartSel="", StopSel="", MaxFragments=1, MinWords=4, MaxWords={EXCERPT_WORDS}')
"""


class Reason(Frozen):
    """A part of an entry that has what was looked for."""

    where: Where
    text: str


def reasons_of(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]], words: Mapping[str, float]
) -> dict[int, tuple[Reason, ...]]:
    """For each row its reasons, best first; none where it was found by what it means alone.

    Args:
        connection: to the database that knows how words are stemmed.
        rows: of `knowledge_entry`.
        words: stems that were looked for, with how much each counts.
    """
    parts: list[tuple[int, Reason]] = [(row.id, reason) for row in rows for reason in _parts(row)]
    found: dict[int, list[tuple[float, Reason]]] = defaultdict(list)
    if parts and words:
        asked = {
            "texts": [split(reason.text) for _, reason in parts],
            "words": list(words),
            "weights": list(words.values()),
        }
        for matched in connection.execute(sa.text(_ANY), asked):
            entry, reason = parts[int(matched.place) - 1]
            found[entry].append((float(matched.weight), reason))
    return {
        row.id: tuple(_best(found[row.id])) or tuple(_excerpts(connection, row, words)) if words else () for row in rows
    }


def _parts(row: sa.Row[Any]) -> Iterator[Reason]:
    document = document_of(row)
    yield Reason(where="title", text=document.title)
    if document.name:
        yield Reason(where="name", text=document.name)
    listed: tuple[tuple[Where, Collection[str]], ...] = (
        ("error", document.errors),
        ("node", document.classes),
        ("model", document.models),
        ("pack", document.packs),
    )
    yield from (Reason(where=where, text=text) for where, texts in listed for text in texts)


def _best(found: list[tuple[float, Reason]]) -> Iterator[Reason]:
    counted: dict[Where, int] = defaultdict(int)
    left = MOST_REASONS
    for _, reason in sorted(found, key=lambda pair: -pair[0]):
        counted[reason.where] += 1
        if counted[reason.where] <= MOST_OF_A_KIND and left:
            left -= 1
            yield reason


def _excerpts(connection: sa.Connection, row: sa.Row[Any], words: Collection[str]) -> Iterator[Reason]:
    prose = " ".join(row.prose[:MOST_EXAMINED].split())
    query = " | ".join(f"'{word}'" for word in words)
    with_it = sa.text(f"SELECT to_tsvector('{LANGUAGE}', :text) @@ CAST(:query AS tsquery)")
    if prose and connection.scalar(with_it, {"text": split(prose), "query": query}):
        excerpt = connection.scalar(sa.text(_EXCERPT), {"prose": prose, "query": query})
        yield Reason(where="text", text=" ".join(str(excerpt).split()))
