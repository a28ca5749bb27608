"""The ledger: what runs reserve, spend and are billed for, and the alerts about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

SCHEMA = "flowberth"


def _moment(name: str, *, known: bool = False) -> sa.Column[object]:
    default = sa.func.now() if known else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not known, server_default=default)


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "ledger_line",
        sa.Column("run_id", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("repo", sa.Text, nullable=False),
        sa.Column("installation", sa.BigInteger),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="reserved"),
        sa.Column("reserved", sa.Numeric(12, 6), nullable=False),
        sa.Column("estimated", sa.Numeric(12, 6)),
        sa.Column("actual", sa.Numeric(12, 6)),
        sa.Column("usd_per_second", sa.Numeric(14, 9)),
        sa.Column("detail", JSONB, nullable=False, server_default="{}"),
        _moment("reserved_at", known=True),
        _moment("started_at"),
        _moment("ended_at"),
        _moment("billed_at"),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_ledger_line"),
        sa.UniqueConstraint("number"),
        sa.ForeignKeyConstraint(["run_id"], [f"{SCHEMA}.run.id"]),
        sa.CheckConstraint("state IN ('reserved', 'spent', 'released', 'billed')", name="ck_ledger_line_state"),
        sa.CheckConstraint(
            "reserved >= 0 AND estimated >= 0 AND actual >= 0 AND usd_per_second >= 0", name="ck_ledger_line_amounts"
        ),
        sa.CheckConstraint("state <> 'spent' OR estimated IS NOT NULL", name="ck_ledger_line_spent"),
        sa.CheckConstraint("state <> 'billed' OR actual IS NOT NULL", name="ck_ledger_line_billed"),
        schema=SCHEMA,
    )
    op.create_index("ix_ledger_line_repo_month", "ledger_line", ["repo", "month"], schema=SCHEMA)
    op.create_index("ix_ledger_line_installation_month", "ledger_line", ["installation", "month"], schema=SCHEMA)
    op.create_index(
        "ix_ledger_line_open", "ledger_line", ["run_id"], schema=SCHEMA, postgresql_where=sa.text("state = 'reserved'")
    )
    op.create_table(
        "ledger_alert",
        sa.Column("scope", sa.Text),
        sa.Column("percent", sa.Integer, autoincrement=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("limit_name", sa.Text, nullable=False),
        sa.Column("limit_usd", sa.Numeric(12, 6), nullable=False),
        sa.Column("used_usd", sa.Numeric(12, 6), nullable=False),
        _moment("reached_at", known=True),
        _moment("told_at"),
        sa.PrimaryKeyConstraint("scope", "percent", name="pk_ledger_alert"),
        sa.ForeignKeyConstraint(["run_id"], [f"{SCHEMA}.run.id"]),
        sa.CheckConstraint("limit_name IN ('run', 'repository', 'installation')", name="ck_ledger_alert_limit_name"),
        schema=SCHEMA,
    )
    op.create_index("ix_ledger_alert_run_id", "ledger_alert", ["run_id"], schema=SCHEMA)
