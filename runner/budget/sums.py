"""What is spent and reserved below one limit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from runner.budget.model import HOLDBACK, TURN
from runner.tables import ledger_line as line

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from runner.budget.limits import Scope


class Sums(NamedTuple):
    """Of the lines below one limit."""

    spent: Decimal
    """With what is held back until bills have come."""
    reserved: Decimal
    used: Decimal
    """What has been spent as far as is known; for alerts."""


def sums_below(connection: Connection, scope: Scope, now: datetime) -> Sums:
    """The rules of `Line.accrued` and `HOLDBACK`, in SQL."""
    actual = sa.func.coalesce(line.c.actual, 0)
    seconds = sa.func.greatest(sa.extract("epoch", sa.literal(now) - line.c.started_at), 0)
    so_far = sa.func.greatest(sa.func.coalesce(seconds * line.c.usd_per_second, 0), actual)
    held_back = sa.func.least(line.c.reserved, line.c.estimated * HOLDBACK)
    open_ = line.c.state == "reserved"
    later = line.alias("later")
    base = sa.func.split_part(line.c.key, TURN, 1)
    again = sa.exists().where(
        later.c.run_id == line.c.run_id,
        sa.func.split_part(later.c.key, TURN, 1) == base,
        later.c.number > line.c.number,
    )
    lost_so_far = sa.func.least(so_far, line.c.reserved)  # of what was cut by a crash; its time goes on, it may not
    spent = sa.case(
        (line.c.state == "spent", sa.func.greatest(line.c.estimated, held_back, actual)),
        else_=actual,
    )
    used = sa.case(
        (open_ & again, lost_so_far),
        (open_, so_far),
        (line.c.state == "spent", sa.func.greatest(line.c.estimated, actual)),
        else_=actual,
    )
    query = sa.select(
        sa.func.coalesce(sa.func.sum(spent).filter(~open_), 0),
        sa.func.coalesce(sa.func.sum(sa.func.greatest(line.c.reserved, so_far)).filter(open_), 0),
        sa.func.coalesce(sa.func.sum(used), 0),
    ).where(scope.lines)
    return Sums(*(Decimal(amount) for amount in connection.execute(query).one()))
