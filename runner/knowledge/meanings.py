"""What entries mean, kept beside them: where the Postgres has pgvector, and lets us use it.

The table is made here and not by the migrations, because a server without the extension is fine for all else. Vectors
of different embedders can stand side by side: workers with and without the extra may share a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.exc import DBAPIError

from runner.knowledge.document import described
from runner.knowledge.embeddings import NoVectors
from runner.knowledge.rows import document_of
from runner.tables import SCHEMA, knowledge_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.database import Database
    from runner.knowledge.embeddings import Embedder

EXTENSION: Final = "vector"
EMBEDDED_AT_ONCE: Final = 128
"""Entries between two commits: what is done stays done when the process is killed."""

knowledge_meaning = sa.Table(
    "knowledge_meaning",
    sa.MetaData(schema=SCHEMA),
    sa.Column("entry", sa.BigInteger, primary_key=True),
    sa.Column("embedder", sa.Text, primary_key=True),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("meaning", VECTOR, nullable=False),
    sa.Index("ix_knowledge_meaning_repo", "repo", "embedder"),
)
_FOREIGN_KEY = f"""
ALTER TABLE {SCHEMA}.knowledge_meaning ADD CONSTRAINT fk_knowledge_meaning_entry
FOREIGN KEY (entry) REFERENCES {SCHEMA}.knowledge_entry ON DELETE CASCADE
"""
_SCHEMA_OF_EXTENSION = """
SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = :name
"""


class Meanings:
    """Of one embedder. Safe to use from several threads."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._ready = False

    def ensure(self) -> None:
        """Find or make the table.

        Raises:
            NoVectors: it cannot be made here.
        """
        if self._ready:
            return
        try:
            with self._database.begin() as connection:
                self._make(connection)
        except DBAPIError as error:
            words = " ".join(str(error.orig).split("\n")[0].split())
            raise NoVectors(f"this Postgres has no pgvector for us: {words}") from None
        self._ready = True

    def add_missing(self, repo: str, most: int | None = None) -> int:
        """Embed entries that are not yet, at most so many; how many are still without.

        Raises:
            NoVectors: there is no place for them.
        """
        self.ensure()
        done = 0
        while most is None or done < most:
            some = EMBEDDED_AT_ONCE if most is None else min(EMBEDDED_AT_ONCE, most - done)
            with self._database.begin() as connection:
                rows = connection.execute(self._missing(repo).order_by(knowledge_entry.c.id).limit(some)).all()
            if not rows:
                return 0
            self._add(repo, rows)
            done += len(rows)
        with self._database.begin() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(self._missing(repo).subquery())) or 0

    def vector(self, text: str) -> list[float]:
        """What a text means.

        Raises:
            NoVectors: that cannot be told.
        """
        [vector] = self._embedder.embed([text])
        return vector

    def nearest(self, connection: sa.Connection, repo: str, wanted: list[float], most: int) -> list[tuple[int, float]]:
        """`(entry, similarity)` of those that mean about the same, closest first; 1 is the same.

        Every vector of the repository is compared: with 10,000 that takes a few milliseconds and misses none, which an
        approximate index does as soon as it holds other repositories too.
        """
        use_vectors(connection)
        distance = knowledge_meaning.c.meaning.cosine_distance(wanted)
        found = connection.execute(
            sa.select(knowledge_meaning.c.entry, distance)
            .where(knowledge_meaning.c.repo == repo, knowledge_meaning.c.embedder == self._embedder.name)
            .order_by(distance, knowledge_meaning.c.entry)
            .limit(most)
        )
        return [(entry, 1 - far) for entry, far in found]

    def _make(self, connection: sa.Connection) -> None:
        name = sa.literal(f"{SCHEMA}.knowledge_meaning")
        if connection.scalar(sa.select(sa.func.to_regclass(name))) is not None:
            return
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
        if _schema_of_vectors(connection) is None:
            connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}"))
        use_vectors(connection)
        if connection.scalar(sa.select(sa.func.to_regclass(name))) is None:
            knowledge_meaning.create(connection)
            connection.execute(sa.text(_FOREIGN_KEY))

    def _missing(self, repo: str) -> sa.Select[Any]:
        there = sa.select(knowledge_meaning.c.entry).where(
            knowledge_meaning.c.entry == knowledge_entry.c.id, knowledge_meaning.c.embedder == self._embedder.name
        )
        return sa.select(knowledge_entry).where(knowledge_entry.c.repo == repo, ~there.exists())

    def _add(self, repo: str, rows: Sequence[sa.Row[Any]]) -> None:
        vectors = self._embedder.embed([described(document_of(row)) for row in rows])
        with self._database.begin() as connection:
            use_vectors(connection)
            # An entry may have been replaced while its text was with the model.
            there = set(
                connection.scalars(
                    sa.select(knowledge_entry.c.id)
                    .where(knowledge_entry.c.id.in_([row.id for row in rows]))
                    .with_for_update(key_share=True)
                )
            )
            new = [
                {"entry": row.id, "embedder": self._embedder.name, "repo": repo, "meaning": vector}
                for row, vector in zip(rows, vectors, strict=True)
                if row.id in there
            ]
            if new:
                connection.execute(_insert_or_leave(), new)


def _insert_or_leave() -> Any:  # noqa: ANN401 - SQLAlchemy's name for it is longer than it is useful
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

    return insert(knowledge_meaning).on_conflict_do_nothing()


def use_vectors(connection: sa.Connection) -> None:
    """Let this transaction find the type and its operators, in whatever schema they are."""
    schema = _schema_of_vectors(connection)
    if schema is not None:
        path = sa.func.concat(sa.func.quote_ident(schema), ", pg_catalog")
        connection.execute(sa.select(sa.func.set_config("search_path", path, sa.true())))


def _schema_of_vectors(connection: sa.Connection) -> str | None:
    return connection.scalar(sa.text(_SCHEMA_OF_EXTENSION), {"name": EXTENSION})
