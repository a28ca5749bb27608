"""The index of repositories' knowledge bases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0006"
down_revision = "0005"

SCHEMA = "flowberth"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _of_index(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.PrimaryKeyConstraint("repo", "path" if table == "knowledge_file" else "word", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["repo"], [f"{SCHEMA}.knowledge_index.repo"], ondelete="CASCADE"),
    )


def upgrade() -> None:
    """Add four tables."""
    op.create_table(
        "knowledge_index",
        _text("repo"),
        _text("commit"),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("indexed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("repo", name="pk_knowledge_index"),
        schema=SCHEMA,
    )
    op.create_table(
        "knowledge_file", _text("repo"), _text("path"), _text("blob"), *_of_index("knowledge_file"), schema=SCHEMA
    )
    op.create_table(
        "knowledge_entry",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        *(_text(name) for name in ("repo", "path", "part", "kind", "title", "name")),
        sa.Column("facts", JSONB, nullable=False),
        _text("prose"),
        sa.Column("words", TSVECTOR, nullable=False),
        sa.Column("titled", TSVECTOR, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_entry"),
        sa.ForeignKeyConstraint(
            ["repo", "path"], [f"{SCHEMA}.knowledge_file.repo", f"{SCHEMA}.knowledge_file.path"], ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_knowledge_entry_repo_path", "knowledge_entry", ["repo", "path"], schema=SCHEMA)
    for column in ("words", "titled"):
        name = f"ix_knowledge_entry_{column}"
        op.create_index(name, "knowledge_entry", [column], schema=SCHEMA, postgresql_using="gin")
    op.create_table(
        "knowledge_word",
        _text("repo"),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        *_of_index("knowledge_word"),
        schema=SCHEMA,
    )
