"""Stories: a forge, a server, and people. The server is told nothing but by webhooks, and acts on nothing but the forge."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.engine import STAND_IN, engine
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.stories.people import People
from tests.stories.served import Served
from tests.stories.town import Town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.forge.forge import Forge


TOWNS = 2
"""More would take longer to found than they save."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories of one town are told in one process."""
    told_in_town = (item for item in items if isinstance(item, pytest.Function) and "town" in item.fixturenames)
    for number, item in enumerate(told_in_town):
        item.add_marker(pytest.mark.xdist_group(f"town-{number % TOWNS}"))


@pytest.fixture
def own_database_url(postgres: sa.URL) -> str:
    """A database of the test's own."""
    return _new_database(postgres)


@pytest.fixture(scope="package")
def engine_url() -> Iterator[str]:
    """A ComfyUI that all apps share, so that not each has to start its own."""
    with engine((*STAND_IN, "--core", "0.3.64")) as url:
        yield url


@pytest.fixture(scope="package")
def town(postgres: sa.URL, tmp_path_factory: pytest.TempPathFactory, engine_url: str) -> Iterator[Town]:
    """For all stories that need no forge of their own."""
    with Town(tmp_path_factory.mktemp("town"), _new_database(postgres), engine_url) as running:
        yield running


def _new_database(postgres: sa.URL) -> str:
    name = f"test_{secrets.token_hex(8)}"
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return postgres.set(database=name, drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def served(
    tmp_path: Path,
    forge: Forge,  # noqa: F811 - the fixture
    own_database_url: str,
    engine_url: str,
) -> Iterator[Served]:
    with Served(tmp_path, forge, own_database_url, engine_url) as running:
        yield running


@pytest.fixture
def people(forge: Forge) -> People:  # noqa: F811 - the fixture
    return People(forge)
