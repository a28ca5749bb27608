"""Fixtures for tests that need a GitHub: `from tests.forge.fixtures import forge  # noqa: F401` in a conftest.

The `forge` has an organization `acme` with a public repository `acme/site`, on which the App is installed. alice administers it,
bob may write, carol may triage, dave may read; mallory is nobody there. A request of the App that GitHub's OpenAPI description
does not know fails the test at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.forge import openapi
from tests.forge.forge import Forge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLES = {"alice": "admin", "bob": "write", "carol": "triage", "dave": "read"}


def furnish(forge: Forge) -> Forge:
    """With acme/site, its people, and the App installed."""
    forge.repository("acme/site", roles=ROLES)
    forge.account("mallory")
    forge.install("acme")
    return forge


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with Forge(tmp_path / "forge", openapi=openapi.github()) as running:
        yield furnish(running)
    assert running.violations == []
