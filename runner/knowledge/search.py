"""Finds entries of one repository's knowledge base: by words, and by what they mean where that is known.

Both make a list, and an entry's place in each decides, because a rank of words and a similarity of meanings cannot be
added (reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009).

Postgres' `ts_rank` does not know that `upscale` says more than `image`, so each word's rank counts by how rare the word
is in this knowledge base (as in BM25). Words that very many entries have are looked for in titles only, where there are
better ones: that bounds the time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import sqlalchemy as sa

from runner.knowledge.document import Kind
from runner.knowledge.embeddings import NoVectors
from runner.knowledge.query import read_query
from runner.knowledge.reasons import Reason, reasons_of
from runner.knowledge.rows import LANGUAGE
from runner.knowledge.synonyms import also
from runner.model import Frozen
from runner.tables import SCHEMA, knowledge_entry

if TYPE_CHECKING:
    from runner.database import Database
    from runner.knowledge.meanings import Meanings
    from runner.knowledge.query import Query

MOST_HITS: Final = 50
CANDIDATES: Final = 60
"""Of each list; what is further down in both comes up in neither."""
RANK_CONSTANT: Final = 60
"""Of the fusion, as its authors have it: how little the first places differ."""
LEAST_SIMILARITY: Final = 0.25
"""Below it two texts have nothing to do with each other, for the embedder that there is."""
MOST_MATCHES: Final = 4_000
"""Entries that are ranked by all they have, those of several words counted several times: some microseconds each."""
SHORTEST_BEGINNING: Final = 4
"""Characters of a word that also finds the words it is the beginning of: `controlnet` finds `ControlNetLoader`."""
MOST_ENDINGS: Final = 8
ENDING_COUNTS: Final = 0.5
"""Of what the word itself would."""
BESIDE_COUNTS: Final = 0.7
"""Of what the word itself would: a word that means about the same in this trade."""
FIELD_WEIGHTS: Final = "{0.3, 0.5, 0.5, 1.0}"
"""Of prose, errors, identifiers, title and name: the order is Postgres' (D, C, B, A)."""

How: TypeAlias = Literal["words and meaning", "words"]

_STEMS: Final = f"""
WITH asked AS (
    SELECT DISTINCT stem.lexeme AS asked, looked.lexeme
    FROM unnest(CAST(:words AS text[]), CAST(:besides AS text[])) AS typed(word, beside),
        unnest(to_tsvector('{LANGUAGE}', typed.word)) AS stem, unnest(to_tsvector('{LANGUAGE}', beside)) AS looked
)
SELECT asked.asked, known.word, known.entries, asked.asked <> asked.lexeme AS beside
FROM asked CROSS JOIN LATERAL (
    SELECT word, entries FROM {SCHEMA}.knowledge_word WHERE repo = :repo AND word = asked.lexeme
    UNION ALL
    (SELECT word, entries FROM {SCHEMA}.knowledge_word
     WHERE repo = :repo AND length(asked.lexeme) >= :shortest AND asked.asked = asked.lexeme
     AND word > asked.lexeme AND word < asked.lexeme || chr(1114111)
     ORDER BY entries DESC, word LIMIT :endings)
) AS known
"""  # noqa: S608 - constants
_RANKED: Final = f"""
WITH term AS MATERIALIZED (
    SELECT asked, weight, everywhere, CAST(quote_literal(word) AS tsquery) AS word
    FROM unnest(CAST(:asked AS text[]), CAST(:words AS text[]), CAST(:weights AS float8[]), CAST(:everywhere AS bool[]))
        AS term(asked, word, weight, everywhere)
), found AS (
    SELECT id, asked, weight * ts_rank('{FIELD_WEIGHTS}', words, word, 1) AS rank
    FROM term JOIN {SCHEMA}.knowledge_entry ON words @@ word WHERE repo = :repo AND everywhere
    UNION ALL
    SELECT id, asked, weight * ts_rank('{FIELD_WEIGHTS}', titled, word, 1) AS rank
    FROM term JOIN {SCHEMA}.knowledge_entry ON titled @@ word WHERE repo = :repo AND NOT everywhere
), best AS (
    SELECT id, sum(rank) AS rank FROM (SELECT id, asked, max(rank) AS rank FROM found GROUP BY id, asked) GROUP BY id
)
SELECT id FROM best
WHERE :condition = '' OR id IN (
    SELECT id FROM {SCHEMA}.knowledge_entry
    WHERE repo = :repo AND words @@ websearch_to_tsquery('{LANGUAGE}', :condition))
ORDER BY rank DESC, id LIMIT :most
"""  # noqa: S608 - constants
_ALLOWED: Final = f"""
SELECT id FROM {SCHEMA}.knowledge_entry
WHERE id = ANY(CAST(:ids AS bigint[])) AND words @@ websearch_to_tsquery('{LANGUAGE}', :condition)
"""  # noqa: S608 - constants


class Hit(Frozen):
    """An entry that was found."""

    kind: Kind
    title: str
    name: str
    """Of the app; empty where the entry is about none."""
    path: str
    """In the repository."""
    part: str
    """Anchor of a section in the file; empty for all of it."""
    score: float
    """Only fit to be compared with others of the same search."""
    similarity: float | None
    """Of what is meant, 0 to 1; `None` where that is not known."""
    reasons: tuple[Reason, ...]
    """Why it was found, best first."""


class Found(Frozen):
    """What a search found; all texts are those of the repository, and of whoever searches."""

    hits: tuple[Hit, ...]
    entries: int
    """That were looked at."""
    how: How
    told: str = ""
    """Why it could not be looked for by meaning, as a sentence without its full stop."""


class _Term(NamedTuple):
    asked: str
    word: str
    weight: float
    beside: bool
    """Not said, but about the same in this trade."""
    everywhere: bool
    """Looked for in all of an entry; otherwise in the title alone."""


class KnowledgeSearch:
    """Of all repositories. Safe to use from several threads."""

    def __init__(self, database: Database, meanings: Meanings | None) -> None:
        self._database = database
        self._meanings = meanings

    def search(self, repo: str, typed: str, limit: int = 10) -> Found:
        """The best hits for what somebody typed, in the index as it is.

        Args:
            repo: `runner.model.repository_key`.
            typed: any text; see `runner.knowledge.query`.
            limit: hits at most, 1 to `MOST_HITS`.
        """
        query = read_query(typed)
        told = "no embeddings are installed" if self._meanings is None else ""
        close: dict[int, float] = {}
        is_word = len(query.text.split()) == 1
        with self._database.begin() as connection:
            entries = _count(connection, repo)
            terms = _terms(connection, repo, query, entries)
            ranked = _ranked(connection, repo, query, terms)
        said = any(not term.beside for term in terms)
        is_identifier = is_word and said and bool(ranked)  # and says more than what it may mean
        how: How = "words"
        if self._meanings is not None and query.text and not is_identifier:
            try:
                close = self._close(self._meanings, repo, query)
                how = "words and meaning"
            except NoVectors as error:
                told = str(error)
        scores = fused(ranked, [entry for entry, _ in sorted(close.items(), key=lambda pair: (-pair[1], pair[0]))])
        best = sorted(scores, key=lambda entry: (-scores[entry], entry))[: min(max(limit, 1), MOST_HITS)]
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(knowledge_entry).where(knowledge_entry.c.id.in_(best))).all()
            reasons = reasons_of(connection, rows, {term.word: term.weight for term in terms})
        hits = {
            row.id: Hit(
                kind=row.kind,
                title=row.title,
                name=row.name,
                path=row.path,
                part=row.part,
                score=round(scores[row.id], 6),
                similarity=round(close[row.id], 3) if row.id in close else None,
                reasons=reasons[row.id],
            )
            for row in rows
        }
        return Found(
            hits=tuple(hits[entry] for entry in best if entry in hits),  # another process may have removed one
            entries=entries,
            how=how,
            told=told,
        )

    def _close(self, meanings: Meanings, repo: str, query: Query) -> dict[int, float]:
        meanings.ensure()
        wanted = meanings.vector(query.meaning)  # before a connection is taken: the first time, a model is loaded
        with self._database.begin() as connection:
            nearest = meanings.nearest(connection, repo, wanted, CANDIDATES)
            close = {entry: similarity for entry, similarity in nearest if similarity >= LEAST_SIMILARITY}
            if query.condition:
                allowed = connection.scalars(sa.text(_ALLOWED), {"ids": list(close), "condition": query.condition})
                return {entry: close[entry] for entry in allowed}
        return close


def fused(*lists: list[int]) -> dict[int, float]:
    """Reciprocal rank fusion: entry → score."""
    scores: dict[int, float] = defaultdict(float)
    for ranked in lists:
        for place, entry in enumerate(ranked, 1):
            scores[entry] += 1 / (RANK_CONSTANT + place)
    return scores


def _count(connection: sa.Connection, repo: str) -> int:
    count = sa.select(sa.func.count()).select_from(knowledge_entry).where(knowledge_entry.c.repo == repo)
    return connection.scalar(count) or 0


def _terms(connection: sa.Connection, repo: str, query: Query, entries: int) -> list[_Term]:
    """What to look for, rarest first, with how much it counts."""
    looked = [(word, beside) for word in query.words for beside in (word, *also(word))]
    asked = {
        "repo": repo,
        "words": [word for word, _ in looked],
        "besides": [beside for _, beside in looked],
        "shortest": SHORTEST_BEGINNING,
        "endings": MOST_ENDINGS,
    }
    known = sorted(connection.execute(sa.text(_STEMS), asked).all(), key=lambda row: (row.entries, row.word))
    terms: dict[tuple[str, str], _Term] = {}
    left = MOST_MATCHES
    for row in known:
        left -= row.entries
        rarity = math.log(1 + (entries - row.entries + 0.5) / (row.entries + 0.5))
        weight = rarity * (BESIDE_COUNTS if row.beside else 1 if row.word == row.asked else ENDING_COUNTS)
        terms[row.asked, row.word] = _Term(row.asked, row.word, weight, row.beside, left >= 0 or not terms)
    return list(terms.values())


def _ranked(connection: sa.Connection, repo: str, query: Query, terms: list[_Term]) -> list[int]:
    if not terms:
        return []
    values: dict[str, Any] = {
        "repo": repo,
        "asked": [term.asked for term in terms],
        "words": [term.word for term in terms],
        "weights": [term.weight for term in terms],
        "everywhere": [term.everywhere for term in terms],
        "condition": query.condition,
        "most": CANDIDATES,
    }
    return list(connection.scalars(sa.text(_RANKED), values))
