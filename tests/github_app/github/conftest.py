"""The App as a worker process has it, on a GitHub of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from github_app.github.app import GithubApp
from github_app.github.pace import Pace
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.scripted import ScriptedGithub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from github_app.github.installation import Installation
    from github_app.github.repository import RepositoryApi
    from runner.database import Database
    from tests.forge.forge import Forge


@pytest.fixture
def process(forge: Forge, database: Database) -> Iterator[Callable[[], GithubApp]]:  # noqa: F811
    """Makes the App as another process would: nothing shared but Postgres."""
    made: list[GithubApp] = []

    def make() -> GithubApp:
        app = GithubApp(
            api_url=forge.api_url,
            app_id=forge.app_id,
            private_key=SecretStr(forge.private_key),
            pace=Pace(database),
        )
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.fixture
def app(process: Callable[[], GithubApp]) -> GithubApp:
    return process()


@pytest.fixture
def installed(forge: Forge) -> int:  # noqa: F811
    """Id of the installation."""
    return next(iter(forge.installations))


@pytest.fixture
def installation(app: GithubApp, installed: int) -> Installation:
    return app.installation(installed)


@pytest.fixture
def site(installation: Installation) -> RepositoryApi:
    """acme/site through the App."""
    return installation.repository(installation.repository_named("acme/site"))


@pytest.fixture
def issue(forge: Forge) -> int:  # noqa: F811
    """Number of an issue that alice has opened."""
    said = {"title": "A workflow", "body": "Here it is"}
    return forge.client("alice").post("/repos/acme/site/issues", json=said).json()["number"]


@pytest.fixture
def scripted(database: Database) -> Iterator[ScriptedGithub]:
    """A GitHub that answers what it is told to."""
    with ScriptedGithub(Pace(database)) as server:
        yield server
