"""What the GitHub App remembers: deliveries, installations, and what was told of each run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

SCHEMA = "flowberth"


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Add to runs what is told of them, and three tables."""
    op.add_column("run", sa.Column("kind", sa.Text, nullable=False, server_default="propose"), schema=SCHEMA)
    op.add_column("run", sa.Column("environment", sa.Text, nullable=False, server_default="preview"), schema=SCHEMA)
    op.add_column("run", sa.Column("progress", JSONB, nullable=False, server_default="{}"), schema=SCHEMA)
    op.add_column("run", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"), schema=SCHEMA)
    op.add_column("run", sa.Column("not_before", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.create_index("ix_run_repo_name", "run", ["repo", "name"], schema=SCHEMA)
    op.create_table(
        "telling",
        sa.Column("run_id", sa.Text),
        sa.Column("told", sa.BigInteger, nullable=False, server_default="-1"),
        sa.Column("state", JSONB, nullable=False, server_default="{}"),
        sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("run_id", name="pk_telling"),
        sa.ForeignKeyConstraint(["run_id"], [f"{SCHEMA}.run.id"], ondelete="CASCADE"),
        schema=SCHEMA,
    )
    op.create_index("ix_telling_open", "telling", ["run_id"], schema=SCHEMA, postgresql_where=sa.text("NOT settled"))
    op.create_table(
        "delivery",
        sa.Column("guid", sa.Text),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("action", sa.Text),
        sa.Column("installation", sa.BigInteger),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="received"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text),
        _moment("received_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("guid", name="pk_delivery"),
        sa.CheckConstraint("state IN ('received', 'handled', 'ignored', 'failed')", name="ck_delivery_state"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["received_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="active"),
        sa.Column("creations", sa.Float, nullable=False, server_default="0"),
        sa.Column("points", sa.Float, nullable=False, server_default="0"),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("blocked_until", sa.DateTime(timezone=True)),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
        sa.CheckConstraint("state IN ('active', 'suspended', 'removed')", name="ck_installation_state"),
        schema=SCHEMA,
    )
