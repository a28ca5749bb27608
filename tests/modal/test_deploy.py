"""Apps come and go by Modal's own command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.modal.cli import APPS, copy_of_poster, modal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.modal.bed import ModalBed

POSTER = APPS / "poster/app.py"


def test_an_app_is_deployed_found_and_stopped(modal_bed: ModalBed) -> None:
    environment = modal_bed.environment()
    deployed = modal(environment, "deploy", POSTER, "--tag", "abc123")
    assert deployed.returncode == 0, deployed.stderr
    assert "RUN git clone --depth 1 --branch v0.3.64" in deployed.stdout  # the build log
    app = modal_bed.app("poster")
    assert app.is_deployed
    assert app.versions[0].published.deployment_tag == "abc123"
    listed = json.loads(modal(environment, "app", "list", "--json").stdout)
    assert [(one["description"], one["state"]) for one in listed] == [("poster", "deployed")]
    assert modal(environment, "app", "stop", "poster", "--yes").returncode == 0
    assert not app.is_deployed
    assert app.stopped_at
    assert all(call.status == "OK" for call in modal_bed.calls)


def test_what_has_not_changed_is_not_deployed_again(modal_bed: ModalBed, tmp_path: Path) -> None:
    app_py, environment = copy_of_poster(tmp_path), modal_bed.environment()
    assert modal(environment, "deploy", app_py).returncode == 0
    builds, uploads = len(modal_bed.called("ImageJoinStreaming")), len(modal_bed.called("MountPutFile"))
    again = modal(environment, "deploy", app_py)
    assert "Deployment skipped: no changes detected" in again.stdout
    app_py.write_text(app_py.read_text().replace("memory=4096", "memory=8192"))
    changed = modal(environment, "deploy", app_py)
    assert "App deployed" in changed.stdout
    assert [version.number for version in modal_bed.app("poster").versions] == [1, 2]
    assert len(modal_bed.called("ImageJoinStreaming")) == builds  # every layer was there
    assert len(modal_bed.called("MountPutFile")) > uploads  # app.py
