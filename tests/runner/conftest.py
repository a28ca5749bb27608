from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.bench import Bench, make_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path, database_url: str) -> Iterator[Bench]:
    """On the module's database."""
    with make_bench(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def lone_bench(tmp_path: Path) -> Iterator[Bench]:
    """With no database but the embedded one of its own data folder."""
    with make_bench(tmp_path, None) as made:
        yield made
