"""Runs that spend, and a clock that stands still until it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from secrets import randbelow
from typing import TYPE_CHECKING

from codegen.model import AppName
from runner.budget.ledger import Ledger
from runner.budget.limits import Limits
from runner.model import GithubRepository, RunId, RunRequest
from runner.records import RunRecords

if TYPE_CHECKING:
    from runner.database import Database
    from runner.model import Repository

NOVEMBER = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOVEMBER

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


def on_github(repository: int, installation: int) -> GithubRepository:
    return GithubRepository(installation=installation, id=repository, full_name=f"people/pictures-{repository}")


def add_run(database: Database, repo: Repository, budget: float | None = None, monthly: float | None = None) -> RunId:
    request = RunRequest(
        repo=repo, base="main", filename="poster.json", workflow=b"{}", budget_usd=budget, monthly_budget_usd=monthly
    )
    return RunRecords(database).add(request, AppName("poster"), protocol="1").id


@dataclass
class Payers:
    """On a database that other tests use too: each repository and installation is new."""

    database: Database
    clock: Clock = field(default_factory=Clock)

    def ledger(self, **limits: str | None) -> Ledger:
        return Ledger(self.database, self.clock, Limits.model_validate(limits))

    def repository(self, installation: int | None = None) -> GithubRepository:
        return on_github(randbelow(2**40), randbelow(2**40) if installation is None else installation)

    def run(
        self, repo: Repository | None = None, *, budget: float | None = None, monthly: float | None = None
    ) -> RunId:
        return add_run(self.database, repo or self.repository(), budget, monthly)


def usd(text: str | float) -> Decimal:
    return Decimal(str(text))
