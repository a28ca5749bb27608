from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from github_app.server.deliveries import Deliveries
from github_app.settings import Settings
from runner.database import Database
from runner.tables import delivery
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.server.served import SECRET, GitHub, private_key, serving


@pytest.fixture(scope="session")
def key() -> str:
    """Of an App. Making one takes a while."""
    return private_key()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, database_url: str, key: str) -> Settings:
    """All that the server needs."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        FLOWBERTH_DATABASE_URL=database_url,
        github_app_id=1,
        github_private_key=key,
        github_webhook_secret=SECRET,
        github_app_slug="flowberth-test",
        public_url="https://flowberth.example.com",
    )


@pytest.fixture
def rows(database: Database) -> "Rows":
    return Rows(database)


class Rows:
    """The table `delivery`, empty at first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.begin() as connection:
            connection.execute(delivery.delete())

    def all(self) -> list[sa.Row]:
        with self._database.begin() as connection:
            return list(connection.execute(sa.select(delivery).order_by(delivery.c.received_at, delivery.c.guid)))

    def guids(self) -> list[str]:
        return [row.guid for row in self.all()]

    def one(self) -> sa.Row:
        (row,) = self.all()
        return row

    def change(self, guid: str, **values: object) -> None:
        with self._database.begin() as connection:
            connection.execute(delivery.update().where(delivery.c.guid == guid).values(**values))


@pytest.fixture
def deliveries(database: Database, rows: Rows) -> Iterator[Deliveries]:
    with Deliveries(database) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(settings: Settings, database_url: str) -> Iterator[GitHub]:
    with Database(settings.data_dir, database_url) as database, serving(settings, database) as sender:
        yield sender


@pytest.fixture
def github(server: GitHub, rows: Rows) -> GitHub:
    """Somebody who sends webhooks to a server of ours, which has none yet."""
    del rows
    return server
