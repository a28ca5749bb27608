"""The knowledge bases of repositories as they are searched: the index and what looks into it, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.knowledge.index import KnowledgeIndex
from runner.knowledge.search import KnowledgeSearch

if TYPE_CHECKING:
    from runner.database import Database
    from runner.knowledge.embeddings import Embedder


class KnowledgeFinder:
    """One per process; safe to use from several threads. `embedder`: `None` to look for words alone."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self.index = KnowledgeIndex(database, embedder)
        self.search = KnowledgeSearch(database, self.index.meanings).search
