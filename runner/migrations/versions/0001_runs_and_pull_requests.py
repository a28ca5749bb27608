"""Runs and pull requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

SCHEMA = "flowberth"


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Create the first two tables."""
    op.create_table(
        "run",
        sa.Column("id", sa.Text),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("repo", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("workflow_sha256", sa.Text, nullable=False),
        sa.Column("workflow", sa.LargeBinary, nullable=False),
        sa.Column("request", JSONB, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("step", sa.Text),
        sa.Column("cancel_reason", sa.Text),
        sa.Column("result", JSONB),
        sa.Column("reason", sa.Text),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("number"),
        sa.CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="ck_run_state"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_run_unfinished",
        "run",
        ["repo", "name"],
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "pull_request",
        sa.Column("repo", sa.Text),
        sa.Column("number", sa.Integer, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("head_sha", sa.Text),
        sa.Column("merge_sha", sa.Text),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("repo", "number", name="pk_pull_request"),
        sa.CheckConstraint("state IN ('open', 'merged', 'closed')", name="ck_pull_request_state"),
        schema=SCHEMA,
    )
    op.create_index(
        "ux_pull_request_open_head",
        "pull_request",
        ["repo", "head"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'open'"),
    )
