"""The state `over-budget` of runs. Those that had ended so before are `failed`, and their reason says why."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

SCHEMA = "flowberth"


def upgrade() -> None:
    """Allow it."""
    op.drop_constraint("ck_run_state", "run", schema=SCHEMA, type_="check")
    op.create_check_constraint(
        "ck_run_state",
        "run",
        "state IN ('queued', 'running', 'succeeded', 'failed', 'over-budget', 'cancelled')",
        schema=SCHEMA,
    )
