"""Runs are told of in several places, one of which is Slack; and from which message on Slack an issue has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMA = "flowberth"


def upgrade() -> None:
    """What was told so far was told on the forge."""
    op.add_column("telling", sa.Column("place", sa.Text, nullable=False, server_default="forge"), schema=SCHEMA)
    op.create_check_constraint("ck_telling_place", "telling", "place IN ('forge', 'slack')", schema=SCHEMA)
    op.drop_constraint("pk_telling", "telling", schema=SCHEMA, type_="primary")
    op.create_primary_key("pk_telling", "telling", ["run_id", "place"], schema=SCHEMA)
    op.create_table(
        "slack_thread",
        sa.Column("repo", sa.Text),
        sa.Column("issue", sa.BigInteger),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("ts", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("repo", "issue", name="pk_slack_thread"),
        schema=SCHEMA,
    )
