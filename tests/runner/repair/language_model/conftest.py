from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.budget.payers import Payers
from tests.runner.repair.language_model.api import Api
from tests.runner.repair.language_model.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Database


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def asking(api: Api, database: Database) -> Asking:
    """A run of its own that may spend."""
    api.forget()
    payers = Payers(database)
    return Asking(api, payers.ledger(), payers.run(budget=20))
