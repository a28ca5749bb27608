"""The table `slack_thread`: from which message on Slack an issue has come. Its runs are told of below that message."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runner.tables import slack_thread as table

if TYPE_CHECKING:
    from runner.database import Database


class Thread(NamedTuple):
    """A message, and what is said below it."""

    channel: str
    ts: str | None
    """`None`: it was asked for with a command, which leaves no message."""


class Threads:
    """Reads and writes rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, repo: str, issue: int, thread: Thread) -> None:
        """The issue has come from there. The first one counts."""
        row = insert(table).values(repo=repo, issue=issue, channel=thread.channel, ts=thread.ts)
        with self._database.begin() as connection:
            connection.execute(row.on_conflict_do_nothing())

    def of_issue(self, repo: str, issue: int) -> Thread | None:
        """Where it has come from, if it was from Slack."""
        query = sa.select(table.c.channel, table.c.ts).where(table.c.repo == repo, table.c.issue == issue)
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Thread(row.channel, row.ts)
