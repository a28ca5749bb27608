"""Entries as Postgres keeps them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from runner.knowledge.document import Document
from runner.knowledge.words import split
from runner.tables import SCHEMA

if TYPE_CHECKING:
    import sqlalchemy as sa

LANGUAGE: Final = "pg_catalog.english"
"""How words are stemmed, in documents and queries alike. Words of other languages stay as they are."""
APART: Final = "the " * 10
"""Stop words, which take up places and are not indexed: no phrase reaches from one part of an entry into the next."""
INSERT_ENTRY: Final = f"""
INSERT INTO {SCHEMA}.knowledge_entry (repo, path, part, kind, title, name, facts, prose, words, titled)
VALUES (:repo, :path, :part, :kind, :title, :name, CAST(:facts AS jsonb), :prose,
    setweight(to_tsvector('{LANGUAGE}', :of_title), 'A') || setweight(to_tsvector('{LANGUAGE}', :of_names), 'B')
    || setweight(to_tsvector('{LANGUAGE}', :of_errors), 'C') || setweight(to_tsvector('{LANGUAGE}', :of_prose), 'D'),
    setweight(to_tsvector('{LANGUAGE}', :of_title), 'A'))
"""  # noqa: S608 - constants


def row_of(repo: str, path: str, document: Document) -> dict[str, object]:
    """The parameters of `INSERT_ENTRY`."""
    facts = document.model_dump(include={"classes", "models", "packs", "errors"})
    return {
        "repo": repo,
        "path": path,
        **document.model_dump(include={"part", "kind", "title", "name", "prose"}),
        "facts": json.dumps(facts),
        "of_title": split(f"{document.title} {document.name}"),
        "of_names": APART + split(" ".join((*document.classes, *document.models, *document.packs))),
        "of_errors": APART + split("\n".join(document.errors)),
        "of_prose": APART + split(document.prose),
    }


def document_of(row: sa.Row[Any]) -> Document:
    """What was indexed."""
    return Document(kind=row.kind, part=row.part, title=row.title, name=row.name, prose=row.prose, **row.facts)
