"""`from tests.modal.fixtures import modal_bed  # noqa: F401` in a conftest, for tests that need a Modal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.modal.bed import ModalBed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def modal_bed(tmp_path: Path) -> Iterator[ModalBed]:
    """With one workspace, `acme`."""
    with ModalBed(tmp_path / "modal") as bed:
        bed.workspace()
        yield bed
