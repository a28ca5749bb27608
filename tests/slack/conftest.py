"""GitHub, Slack and Postgres are real, as far as they can be here; the runs that are asked for are not carried out."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from github_app.handlers.doors import Doors
from github_app.installations import Installations
from github_app.server.deliveries import Delivery
from github_app.slack.client import SlackClient
from github_app.slack.intake import SlackDesk
from github_app.slack.office import SlackOffice
from github_app.slack.requests import EVENT, asked_by_event
from github_app.slack.threads import Threads
from github_app.submissions.site import Site
from runner.model import EngineChoice, GithubRepository, Origin, RunRequest
from runner.records import RunRecords
from runner.tables import run, slack_thread
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.conftest import app, process  # noqa: F401 - fixtures
from tests.slack.standin import ANN, CHANNEL, EVE, TOKEN, StandInSlack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github_app.github.app import GithubApp
    from github_app.slack.requests import Asked
    from runner.database import Database


class HasApi(Protocol):
    """What is known of a Slack from its settings."""

    api_url: str


class Local:
    """A target that costs nothing."""

    name = "local"
    costs = False


class Asking:
    """Of the runs, what those do who ask for them and tell of them."""

    def __init__(self, records: RunRecords) -> None:
        self._records = records

    def ask(self, request, name, *, key):
        return self._records.add(request, name, protocol="1", key=key, told=True)

    def is_newest(self, record) -> bool:
        return self._records.newest_of(record.lane) == record.id

    def ahead_of(self, _record) -> int:
        return 0


class Office:
    """What a worker has of Slack."""

    def __init__(
        self,
        slack: HasApi,
        database: Database,
        github: GithubApp | None = None,
        api_url: str = "https://api.github.com",
        *,
        channels: dict[str, str] | None = None,
        people: dict[str, str] | None = None,
    ) -> None:
        self.slack, self.database, self.records = slack, database, RunRecords(database)
        self.now = datetime.now(UTC)
        self._doors = Doors(
            github=github, runs=Asking(self.records), records=self.records, installations=Installations(database),
            target=Local(), engine=EngineChoice(), site=Site.of(api_url),
        )  # fmt: skip
        self._numbers = itertools.count(1)
        self.channels = channels or {CHANNEL: "acme/site"}
        self._door = dict(self.channels)  # of the HTTP process, which may have been started earlier
        self.people = people or {ANN: "alice", EVE: "mallory"}
        self.restarts()

    def restarts(self) -> None:
        """As another process: nothing is left but what is in Postgres."""
        self.client = SlackClient(self.slack.api_url, SecretStr(TOKEN), channel_seconds=0.0)
        threads = Threads(self.database)
        self.desk = SlackDesk(self._doors, self.client, channels=self.channels, people=self.people, threads=threads)
        self.teller = SlackOffice(self.desk, self.database).teller(lambda: self.now)

    def handles(self, event, attempts: int = 1) -> list[bool]:
        """What the door lets in and a worker handles, at once."""
        asked = asked_by_event(event, self._door)
        return [self.desk.handle(Delivery(one.key, EVENT, None, None, _json(one), attempts)) for one in asked]

    def asks(self, name: str, *, full_name: str = "acme/site", issue: int | None = None, **more):
        """A run that is on record."""
        repo = GithubRepository(installation=1, id=2, full_name=full_name)
        origin = Origin(sender="alice", issue=issue)
        request = RunRequest(repo=repo, base="main", filename=f"{name}.json", workflow=b"{}", origin=origin, **more)
        return self.records.add(request, name, protocol="1", key=f"{name}-{next(self._numbers)}", told=True)

    def tells(self, passes: float = 60) -> None:
        """All that there is to tell, after so many seconds."""
        self.now += timedelta(seconds=passes)
        for _ in range(20):
            if not self.teller.once():
                return
        raise AssertionError("it spins")

    def change(self, record, **values) -> None:
        with self.database.begin() as connection:
            connection.execute(sa.update(run).where(run.c.id == record.id).values(**values))


@pytest.fixture
def slack() -> Iterator[StandInSlack]:
    with StandInSlack() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def office(slack: StandInSlack, database: Database) -> Iterator[Office]:
    """For what is told."""
    yield Office(slack, database)
    clear(database)


@pytest.fixture
def desk(slack: StandInSlack, database: Database, forge, app) -> Iterator[Office]:  # noqa: F811
    """For what is asked for, with a GitHub."""
    yield Office(slack, database, app, forge.api_url)
    clear(database)


def _json(asked: Asked) -> bytes:
    return asked.model_dump_json().encode()


def clear(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.delete(run))
        connection.execute(sa.delete(slack_thread))
