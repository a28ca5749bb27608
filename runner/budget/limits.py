"""Which limits a run spends below, read from what it was asked for; and in which order they are locked."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import sqlalchemy as sa

from runner.budget.money import Dollars, dollars
from runner.errors import RunNotFound
from runner.model import Frozen, RunId
from runner.tables import ledger_line as line
from runner.tables import run

if TYPE_CHECKING:
    from sqlalchemy import Connection

LimitName: TypeAlias = Literal["run", "repository", "installation"]

DEFAULT_RUN_USD: Final = Decimal(20)
"""Of a run that nobody has set a limit for."""


class Limits(Frozen):
    """What the server allows. Runs and repositories may have lower limits of their own, never higher ones."""

    run_usd: Dollars | None = None
    """The most that any run may spend; `None`: what the run was asked for with, else `DEFAULT_RUN_USD`."""
    monthly_usd: Dollars | None = None
    """The most that all runs of one installation may spend in a month; `None`: any amount. The runs of repositories
    on this machine count as those of one installation."""


class Scope(NamedTuple):
    """One limit, and the lines that count below it."""

    name: LimitName
    key: str
    """Of the limit and its period, among those of everybody."""
    usd: Decimal | None
    """`None`: no limit."""
    lines: sa.ColumnElement[bool]


class Account(NamedTuple):
    """Who pays for a run, and up to what."""

    run_id: RunId
    repo: str
    installation: int | None
    run_usd: Decimal
    repository_usd: Decimal | None
    installation_usd: Decimal | None

    def scopes(self, month: date) -> tuple[Scope, ...]:
        """Every limit that a line of the month has to fit below."""
        payer = f"installation {self.installation}" if self.installation is not None else "this machine"
        of_payer = line.c.installation.is_not_distinct_from(self.installation) & (line.c.month == month)
        of_repo = (line.c.repo == self.repo) & (line.c.month == month)
        period = f"{month:%Y-%m}"
        return (
            Scope("run", f"run {self.run_id}", self.run_usd, line.c.run_id == self.run_id),
            Scope("repository", f"repository {self.repo} {period}", self.repository_usd, of_repo),
            Scope("installation", f"{payer} {period}", self.installation_usd, of_payer),
        )

    def lock(self, connection: Connection, patience_seconds: float) -> None:
        """Let nobody else change what counts below any of these limits until the transaction ends.

        Whoever changes a line takes all three locks, in the order of their numbers, so that no two wait for each
        other. They are taken one statement at a time: what is read after the last one sees all that was committed.
        A process that is frozen while it holds them loses its session, so that the others go on.
        """
        patience = f"{round(patience_seconds * 1000)}ms"
        for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(sa.select(sa.func.set_config(setting, patience, True)))
        payer = f"installation {self.installation}"
        names = (f"budget run {self.run_id}", f"budget repository {self.repo}", f"budget {payer}")
        for number in sorted({_lock_number(name) for name in names}):
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def account_of(connection: Connection, run_id: RunId, limits: Limits) -> Account:
    """The account of a run.

    Raises:
        RunNotFound: there is none with that id.
    """
    asked = run.c.request
    query = sa.select(
        run.c.repo,
        asked["repo"]["installation"].astext.label("installation"),
        asked["budget_usd"].astext.label("budget_usd"),
        asked["monthly_budget_usd"].astext.label("monthly_budget_usd"),
    ).where(run.c.id == run_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RunNotFound(f"there is no run {run_id!a}; `flowberth runs list` shows those there are")
    asked_usd = DEFAULT_RUN_USD if row.budget_usd is None and limits.run_usd is None else _dollars(row.budget_usd)
    run_usd = _lowest(asked_usd, limits.run_usd)
    assert run_usd is not None
    return Account(
        run_id=run_id,
        repo=row.repo,
        installation=None if row.installation is None else int(row.installation),
        run_usd=run_usd,
        repository_usd=_dollars(row.monthly_budget_usd),
        installation_usd=limits.monthly_usd,
    )


def month_of(moment: datetime) -> date:
    """The first day of the month, which has to be UTC: months change for everybody at once."""
    assert moment.utcoffset() is not None, "a moment without a time zone is no moment"
    return moment.astimezone(UTC).date().replace(day=1)


def _dollars(text: str | None) -> Decimal | None:
    return None if text is None else dollars(text)


def _lowest(*amounts: Decimal | None) -> Decimal | None:
    return min((amount for amount in amounts if amount is not None), default=None)


def _lock_number(name: str) -> int:
    """64 bits, signed, as Postgres has them. Two names with one number would only wait for each other."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
