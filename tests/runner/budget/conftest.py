from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.budget.payers import Payers

if TYPE_CHECKING:
    from runner.database import Database


@pytest.fixture
def payers(database: Database) -> Payers:
    return Payers(database)
