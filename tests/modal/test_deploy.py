"""Apps come and go by Modal's own command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.modal.cli import APPS, modal

if TYPE_CHECKING:
    from collections.abc import Callable

    from modal import App

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


def test_what_has_not_changed_is_not_deployed_again(modal_bed: ModalBed) -> None:
    environment = modal_bed.environment()
    assert modal(environment, "deploy", POSTER).returncode == 0
    again = modal(environment, "deploy", POSTER)
    assert (again.returncode, "Deployment skipped: no changes detected" in again.stdout) == (0, True)
    assert len(modal_bed.app("poster").versions) == 1


def test_of_what_has_changed_only_that_is_uploaded_and_built(modal_bed: ModalBed, deploy: Callable[[str], App]) -> None:
    source = """\
import modal

app = modal.App("plain")
image = modal.Image.debian_slim().apt_install("git").run_commands("make one")


@app.function(image=image)
def nothing():
    pass
"""
    deploy(source)
    builds = len(modal_bed.called("ImageJoinStreaming"))
    assert builds == 3
    deploy(source.replace("make one", "make two"))
    assert len(modal_bed.called("ImageJoinStreaming")) == builds + 1
    deploy(source.replace("image=image", "image=image, memory=512"))
    assert len(modal_bed.called("ImageJoinStreaming")) == builds + 1  # "make one" is there
    assert [version.number for version in modal_bed.app("plain").versions] == [1, 2, 3]
    assert len(modal_bed.called("MountPutFile")) == 3  # the source, each time
