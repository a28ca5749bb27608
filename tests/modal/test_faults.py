"""What goes wrong at Modal, and how its real client takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import modal
import pytest

from tests.modal.cli import copy_of_poster
from tests.modal.cli import modal as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long

APP = """\
import modal

app = modal.App("plain", tags={"kind": "test"})


@app.function(image=modal.Image.debian_slim().run_commands("make it"))
def nothing():
    pass
"""


def test_a_build_that_fails_leaves_what_is_deployed_alone(modal_bed: ModalBed, tmp_path: Path) -> None:
    app_py, environment = copy_of_poster(tmp_path), modal_bed.environment()
    assert command(environment, "deploy", app_py).returncode == 0
    modal_bed.fail_build("imagemagick", ["E: Unable to locate package imagemagick"], error="exit status 100")
    app_py.write_text(app_py.read_text().replace('"git",', '"git", "imagemagick",'))
    failed = command(environment, "deploy", app_py)
    assert failed.returncode == 1
    assert "E: Unable to locate package imagemagick" in failed.stdout
    assert "exit status 100" in failed.stderr
    app = modal_bed.app("poster")
    assert (app.is_deployed, len(app.versions)) == (True, 1)
    assert app.disconnects == ["APP_DISCONNECT_REASON_DEPLOYMENT_EXCEPTION"]
    assert not any("imagemagick" in line for layer in modal_bed.image("poster") for line in layer.commands)


def test_a_failed_build_keeps_its_log(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[..., modal.App]
) -> None:
    modal_bed.fail_build("make it", ["cc: no such thing"], times=1)
    with pytest.raises(modal.exception.ImageBuildError) as failure:
        deploy(APP)
    image = modal_bed.workspace().images[failure.value.image_id]
    assert image.log[-1] == "cc: no such thing\n"
    deploy(APP)  # once more, and it is built
    assert image.builds == 2
    assert modal_bed.app("plain").is_deployed


def test_the_client_tries_again_what_was_unavailable(modal_bed: ModalBed, deploy: Callable[..., modal.App]) -> None:
    modal_bed.fail("FunctionCreate", "UNAVAILABLE", times=2)
    modal_bed.fail("AppPublish", "UNAVAILABLE", when="after")
    deploy(APP)
    assert [call.status for call in modal_bed.calls if call.method == "FunctionCreate"] == [
        "UNAVAILABLE",
        "UNAVAILABLE",
        "OK",
    ]
    assert len(modal_bed.called("AppPublish")) == 2  # the first had its effect:
    assert len(modal_bed.app("plain").versions) == 1


def test_an_answer_that_is_lost_has_had_its_effect(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[..., modal.App]
) -> None:
    modal_bed.fail("AppPublish", None, when="after", times=None)
    with pytest.raises(Exception, match=r".*") as failure:
        deploy(APP)
    assert not isinstance(failure.value, modal.exception.AuthError)
    assert modal_bed.app("plain").is_deployed
    assert modal.App.lookup("plain", client=client).get_tags() == {"kind": "test"}


def test_who_calls_too_often_is_asked_for_patience(modal_bed: ModalBed, deploy: Callable[..., modal.App]) -> None:
    modal_bed.throttle("FunctionCreate", 0.1, times=3)
    deploy(APP)
    assert len(modal_bed.called("FunctionCreate")) == 4


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("NOT_FOUND", modal.exception.NotFoundError),
        ("PERMISSION_DENIED", modal.exception.PermissionDeniedError),
        ("RESOURCE_EXHAUSTED", modal.exception.ResourceExhaustedError),
    ],
)
def test_a_refusal_has_its_exception(
    modal_bed: ModalBed, deploy: Callable[..., modal.App], status: str, error: type[Exception]
) -> None:
    modal_bed.fail("AppPublish", status, message="the limit is reached", times=None)
    with pytest.raises(error, match="the limit is reached"):
        deploy(APP)


def test_what_nobody_wrote_is_said_to_be_unknown(modal_bed: ModalBed, client: modal.Client) -> None:
    with pytest.raises(modal.exception.UnimplementedError, match="does not know DictGetOrCreate"):
        modal.Dict.from_name("words", create_if_missing=True).hydrate(client)
    assert modal_bed.calls[-1].status == "UNIMPLEMENTED"
