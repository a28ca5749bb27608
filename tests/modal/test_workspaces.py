"""Accounts do not see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import modal
import pytest

from tests.modal.cli import modal as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long

APP = """\
import modal

app = modal.App("plain")


@app.function(image=modal.Image.debian_slim())
def nothing():
    pass
"""


def test_two_workspaces_never_mix(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    beta = modal_bed.workspace("beta")
    app_id = deploy(APP).app_id
    assert app_id is not None
    with modal.Client.from_credentials(beta.token_id, beta.token_secret) as other:
        for name in ("plain", app_id):
            with pytest.raises(modal.exception.NotFoundError):
                modal.App.lookup(name, client=other)
        assert modal.Workspace.from_context(client=other).hydrate().name == "beta"
        modal.Volume.from_name("store", create_if_missing=True).hydrate(other)
        assert modal.Volume.objects.list(client=client) == []
    assert modal.App.lookup("plain", client=client).app_id == app_id
    assert {call.workspace for call in modal_bed.calls if call.method == "AppPublish"} == {"acme"}


def test_environments_have_their_own_apps(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[..., modal.App]
) -> None:
    modal_bed.workspace().environments["dev"] = "dev"
    listed = command(modal_bed.environment(), "environment", "list", "--json").stdout
    assert '"dev"' in listed
    deploy(APP, environment_name="dev")
    with pytest.raises(modal.exception.NotFoundError):
        modal.App.lookup("plain", client=client)
    assert modal.App.lookup("plain", environment_name="dev", client=client).app_id == modal_bed.app("plain").id
    with pytest.raises(modal.exception.NotFoundError, match="Environment 'prod' not found"):
        deploy(APP, environment_name="prod")


def test_a_wrong_token_is_refused(modal_bed: ModalBed, client: modal.Client) -> None:
    client.hello()
    modal_bed.calls.clear()
    acme, beta = modal_bed.workspace(), modal_bed.workspace("beta")
    for token in ((acme.token_id, beta.token_secret), ("ak-1", "as-1")):
        with modal.Client.from_credentials(*token) as stranger, pytest.raises(modal.exception.AuthError):
            stranger.hello()
    assert [(call.workspace, call.status) for call in modal_bed.calls] == [(None, "UNAUTHENTICATED")] * 2


def test_this_folder_is_not_taken_for_modal(tmp_path: Path) -> None:
    assert modal.__file__ is not None
    assert "site-packages" in modal.__file__
    assert __name__ == "tests.modal.test_workspaces"
