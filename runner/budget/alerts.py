"""Alerts: which share of a limit is used up, noted once for each limit and share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runner.budget.model import ALERT_PERCENTS, Alert, Reached
from runner.budget.money import dollars
from runner.budget.sums import sums_below
from runner.tables import ledger_alert as alert

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from runner.budget.limits import Account

_ALERT = [alert.c[name] for name in Alert.model_fields]


def note_alerts(connection: Connection, account: Account, month: date, now: datetime) -> Reached | None:
    """Note what is due below each limit of the account. Returns a limit that is used up, if there is one."""
    reached: Reached | None = None
    for scope in account.scopes(month):
        if scope.usd is None:
            continue
        used = sums_below(connection, scope, now).used
        for percent in ALERT_PERCENTS:
            if used * 100 >= scope.usd * percent:
                values = {
                    "scope": scope.key,
                    "percent": percent,
                    "run_id": account.run_id,
                    "limit_name": scope.name,
                    "limit_usd": scope.usd,
                    "used_usd": dollars(used),
                    "reached_at": now,
                }
                connection.execute(insert(alert).values(values).on_conflict_do_nothing())
        if used >= scope.usd:
            reached = reached or Reached(scope.name, scope.usd)
    return reached


def alerts_where(connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[Alert, ...]:
    """In the order in which they were reached."""
    order = (alert.c.reached_at, alert.c.scope, alert.c.percent)
    rows = connection.execute(sa.select(*_ALERT).where(condition).order_by(*order)).mappings()
    return tuple(Alert.model_validate(row) for row in rows)
