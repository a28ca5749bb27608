from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import modal
import pytest

from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.modal.bed import ModalBed


@pytest.fixture
def client(modal_bed: ModalBed, monkeypatch: pytest.MonkeyPatch) -> Iterator[modal.Client]:  # noqa: F811 - it is the fixture
    """Modal's library as acme's user."""
    monkeypatch.setenv("MODAL_SERVER_URL", modal_bed.server_url)
    monkeypatch.setenv("MODAL_CONFIG_PATH", "/dev/null")
    acme = modal_bed.workspace()
    with modal.Client.from_credentials(acme.token_id, acme.token_secret) as opened:
        yield opened


@pytest.fixture
def deploy(client: modal.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], modal.App]:
    """Of an app's source, by the library: as `modal deploy`, without the second that a process takes."""

    def deploy_source(text: str, **options: str) -> modal.App:
        file = tmp_path / f"app{len(list(tmp_path.glob('app*.py')))}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, file.stem, module)
        spec.loader.exec_module(module)
        return module.app.deploy(client=client, **options)

    return deploy_source
