"""One forge and one server for several stories, each in a repository of its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from tests.forge import openapi
from tests.forge.fixtures import ROLES
from tests.forge.forge import Forge
from tests.slack.standin import StandInSlack
from tests.stories.people import People
from tests.stories.served import Served

if TYPE_CHECKING:
    from pathlib import Path

_RESTLESS = sa.text("""
SELECT EXISTS (SELECT FROM flowberth.delivery WHERE state = 'received')
    OR EXISTS (SELECT FROM flowberth.run WHERE state IN ('queued', 'running'))
    OR EXISTS (SELECT FROM flowberth.telling WHERE NOT settled)
""")
_FAILED = sa.text("SELECT event, action, error FROM flowberth.delivery WHERE state = 'failed'")
_RUNS = sa.text("""
SELECT name, state, reason FROM flowberth.run WHERE repo = :repo ORDER BY number
""")
REST_SECONDS = 120


class Town:
    """At its end nothing may have gone wrong in the server, and nothing been asked of GitHub that it does not know."""

    def __init__(self, folder: Path, database_url: str, engine_url: str) -> None:
        self.forge = Forge(folder / "forge", openapi=openapi.github())
        self.slack = StandInSlack()
        """Of which only the repository acme/site is known."""
        self.served = Served(folder, self.forge, database_url, engine_url, **self.slack.settings)
        self._engine = sa.create_engine(
            database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool
        )
        self._numbers = itertools.count(1)

    def people(self, full_name: str | None = None, **repository: Any) -> People:
        """Those of a new repository of acme, in the roles of the fixture `forge`."""
        full_name = full_name or f"acme/site-{next(self._numbers)}"
        self.forge.repository(full_name, roles=ROLES, **repository)
        return People(self.forge, full_name)

    def rests(self) -> None:
        """Waits until all that has happened was handled, has ended and was told."""
        self.forge.until(lambda: not self._restless(), REST_SECONDS)

    def runs(self, people: People) -> list[tuple[str, str, str | None]]:
        """(name, state, reason) of all in a repository, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_RUNS, {"repo": f"github:{people.site.id}"}).all()
        return [(row.name, row.state, row.reason) for row in rows]

    def failures(self) -> list[tuple[str, str, str]]:
        """Deliveries that could not be handled."""
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(_FAILED)]

    def _restless(self) -> bool:
        if any(one.pending for one in list(self.forge.webhooks.deliveries)):
            return True
        with self._engine.connect() as connection:
            return bool(connection.scalar(_RESTLESS))

    def __enter__(self) -> Self:
        self.forge.__enter__()
        self.slack.__enter__()
        for login in (*ROLES, "mallory"):
            self.forge.account(login)
        self.forge.install("acme")
        self.served.start()
        self.slack.hook_url = self.forge.hook_url.removesuffix("/webhooks/github")
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.served.__exit__(*error)
        finally:
            self.forge.__exit__(None, None, None)
            self.slack.__exit__()
        assert self.forge.violations == self.slack.violations == []
        assert self.failures() == []
        assert "Traceback" not in self.served.log.read_text()
