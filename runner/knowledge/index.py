"""Postgres' index of a repository's knowledge base. The repository is the truth: the index follows it, file by file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runner.knowledge.document import LARGEST_FILE, ROOT, documents_of, is_indexed
from runner.knowledge.embeddings import NoVectors
from runner.knowledge.meanings import Meanings
from runner.knowledge.rows import INSERT_ENTRY, row_of
from runner.model import Frozen
from runner.tables import SCHEMA, knowledge_entry, knowledge_file, knowledge_index, knowledge_word
from worktrees.snapshot import first

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from runner.database import Database
    from runner.knowledge.document import Document
    from runner.knowledge.embeddings import Embedder
    from worktrees.snapshot import Blob, Snapshot

FORMAT: Final = 2
"""Raised whenever the same file would be indexed differently: indexes of another format are made anew."""
MOST_FILES: Final = 20_000
"""Of one repository, in git's order."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of these files together: many names of one large file are nothing that anybody looks for."""
ROWS_AT_ONCE: Final = 500
ANALYSED_FROM: Final = 200
"""Changed files after which Postgres is told to look at the tables: soon enough by itself otherwise."""
_COUNT_WORDS: Final = f"""
INSERT INTO {SCHEMA}.knowledge_word (repo, word, entries)
SELECT :repo, word, ndoc FROM ts_stat(
    format('SELECT words FROM {SCHEMA}.knowledge_entry WHERE repo = %L', CAST(:repo AS text)))
WHERE word <> ''
"""  # noqa: S608 - a constant; the repository is a parameter, and quoted by Postgres
_SORT_IN: Final = f"""
SELECT gin_clean_pending_list(oid::regclass) FROM pg_class
WHERE pg_has_role(relowner, 'USAGE')
    AND oid IN (to_regclass('{SCHEMA}.ix_knowledge_entry_words'), to_regclass('{SCHEMA}.ix_knowledge_entry_titled'))
"""  # noqa: S608 - constants
"""What is new waits in a list that each look for a word goes through, until a vacuum comes: with 10,000 new entries
that takes twice as long as all else, and Postgres may rather read the whole table for each word."""

log = logging.getLogger(__name__)


class Refreshed(Frozen):
    """What was done to bring an index up to date."""

    commit: str
    files: int
    """In the knowledge base, as far as they are indexed."""
    changed: int
    """Files that were read: new ones, and those whose content is another one now."""
    removed: int
    entries: int
    embedded: bool
    """Whether every entry can be found by what it means, too."""
    told: str = ""
    """Why not, as a sentence without its full stop."""


class KnowledgeIndex:
    """Of all repositories. Safe to use from several threads and processes."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self._database = database
        self.meanings = None if embedder is None else Meanings(database, embedder)

    def commit(self, repo: str) -> str | None:
        """The commit whose files are indexed; `None` if nothing is, or not in the way it is done now."""
        with self._database.begin() as connection:
            return _commit(connection, repo)

    def refresh(self, repo: str, snapshot: Snapshot, *, most_embedded: int | None = None) -> Refreshed:
        """Make the index say what the snapshot's files say; only files that have changed are read.

        Args:
            repo: `runner.model.repository_key`.
            snapshot: of the branch that counts.
            most_embedded: entries whose meaning is worked out now, at most; the others have to wait for the next time.

        Raises:
            worktrees.errors.GitFailed: the snapshot cannot be read.
        """
        changed = removed = 0
        with self._database.begin() as connection:
            _lock(connection, repo)
            if _commit(connection, repo) != snapshot.commit:
                changed, removed = _follow(connection, repo, snapshot)
            files, entries = (
                connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.repo == repo)) or 0
                for table in (knowledge_file, knowledge_entry)
            )
        missing, told = self._embed(repo, most_embedded)
        return Refreshed(
            commit=snapshot.commit,
            files=files,
            changed=changed,
            removed=removed,
            entries=entries,
            embedded=self.meanings is not None and not told and not missing,
            told=told or (f"{missing:,} entries wait for being embedded" if missing else ""),
        )

    def rebuild(self, repo: str, snapshot: Snapshot) -> Refreshed:
        """Forget the index, and make it from the files."""
        self.forget(repo)
        return self.refresh(repo, snapshot)

    def forget(self, repo: str) -> None:
        """Nothing of the repository is indexed any more."""
        with self._database.begin() as connection:
            _lock(connection, repo)
            connection.execute(sa.delete(knowledge_index).where(knowledge_index.c.repo == repo))

    def _embed(self, repo: str, most: int | None) -> tuple[int, str]:
        if self.meanings is None:
            return 0, "no embeddings are installed: search is by words alone"
        try:
            return self.meanings.add_missing(repo, most), ""
        except NoVectors as error:
            return 0, str(error)


def rows_of(
    repo: str, path: str, data: bytes, *, read: Callable[[str, bytes], Iterable[Document]] = documents_of
) -> list[dict[str, object]]:
    """What is indexed of a file: nothing, where reading it fails. One file of a stranger never hinders the others."""
    try:
        return [row_of(repo, path, document) for document in read(path, data)]
    except Exception:  # whatever is wrong with it: anybody may have written it
        log.exception("a file of the knowledge base of %s cannot be indexed: %s", repo, ascii(path))
        return []


def _commit(connection: sa.Connection, repo: str) -> str | None:
    known = knowledge_index.c
    return connection.scalar(sa.select(known.commit).where(known.repo == repo, known.format == FORMAT))


def _lock(connection: sa.Connection, repo: str) -> None:
    """One at a time for each repository, to the end of the transaction."""
    key = sa.func.hashtextextended(f"{SCHEMA}.knowledge_index {repo}", 0)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _follow(connection: sa.Connection, repo: str, snapshot: Snapshot) -> tuple[int, int]:
    """How many files were read, and how many are gone."""
    counting = (blob for blob in snapshot.files(ROOT) if is_indexed(blob.path) and blob.size <= LARGEST_FILE)
    there = list(first(counting, MOST_FILES, MOST_BYTES))
    if _commit(connection, repo) is None:  # nothing is, or in another format
        connection.execute(sa.delete(knowledge_index).where(knowledge_index.c.repo == repo))
    row = {"commit": snapshot.commit, "format": FORMAT, "indexed_at": sa.func.now()}
    connection.execute(
        insert(knowledge_index).values(repo=repo, **row).on_conflict_do_update(index_elements=["repo"], set_=row)
    )
    of_repo = sa.select(knowledge_file.c.path, knowledge_file.c.blob).where(knowledge_file.c.repo == repo)
    known: dict[str, str] = {row.path: row.blob for row in connection.execute(of_repo)}
    gone = known.keys() - {blob.path for blob in there}
    new = [blob for blob in there if known.get(blob.path) != blob.sha]
    if gone or new:
        _remove(connection, repo, gone | {blob.path for blob in new})
        _add(connection, repo, new, snapshot)
        connection.execute(sa.delete(knowledge_word).where(knowledge_word.c.repo == repo))
        connection.execute(sa.text(_COUNT_WORDS), {"repo": repo})
        connection.execute(sa.text(_SORT_IN))
    if len(gone) + len(new) >= ANALYSED_FROM:
        connection.execute(sa.text(f"ANALYZE {SCHEMA}.knowledge_entry, {SCHEMA}.knowledge_word"))
    return len(new), len(gone)


def _remove(connection: sa.Connection, repo: str, paths: Collection[str]) -> None:
    of_repo = (
        knowledge_file.c.repo == repo,
        knowledge_file.c.path == sa.any_(sa.literal(list(paths), sa.ARRAY(sa.Text))),
    )
    connection.execute(sa.delete(knowledge_file).where(*of_repo))


def _add(connection: sa.Connection, repo: str, blobs: Iterable[Blob], snapshot: Snapshot) -> None:
    rows: list[dict[str, object]] = []
    for blob, data in snapshot.contents(blobs):
        connection.execute(sa.insert(knowledge_file), {"repo": repo, "path": blob.path, "blob": blob.sha})
        rows += rows_of(repo, blob.path, data)
        if len(rows) >= ROWS_AT_ONCE:
            connection.execute(sa.text(INSERT_ENTRY), rows)
            rows = []
    if rows:
        connection.execute(sa.text(INSERT_ENTRY), rows)
