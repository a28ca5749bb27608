"""The whole way with Modal's own client and container entrypoint; only its servers and ComfyUI are stood in for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.github_app.workflows import GRAPH
from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture
from tests.stories.people import People, pasted
from tests.stories.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.forge.forge import Forge
    from tests.modal.bed import ModalBed

SETTINGS = ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_SERVER_URL")


@pytest.fixture
def on_modal(
    tmp_path: Path,
    forge: Forge,
    own_database_url: str,
    modal_bed: ModalBed,  # noqa: F811
) -> Iterator[Served]:
    variables = modal_bed.environment("acme")
    settings = {f"FLOWBERTH_{name}": variables[name] for name in SETTINGS}
    with Served(tmp_path, forge, own_database_url, FLOWBERTH_TARGET="modal", **settings) as running:
        yield running


def wide() -> dict[str, Any]:
    """A workflow with a picture that is wider than ComfyUI makes any."""
    graph = json.loads(json.dumps(GRAPH))
    empty = next(node for node in graph["nodes"] if node["type"] == "EmptyImage")
    empty["widgets_values"][0] = 64_000
    return graph


def deployed(bed: ModalBed) -> list[str]:
    return sorted(app.name for app in bed.workspace("acme").apps.values() if app.is_deployed)


@pytest.mark.long
def test_what_comfyui_refuses_is_repaired_on_modal_reviewed_and_merged_into_production(
    on_modal: Served,
    people: People,
    modal_bed: ModalBed,  # noqa: F811
) -> None:
    issue = people.opens_issue("bob", body=pasted(wide()))
    pull = people.sees_ready_pull()
    number = pull["number"]
    assert "on the modal target" in pull["body"]
    assert "### Repaired: 2 attempts" in pull["body"]
    assert "of $20.00" in people.bodies(issue)[0]
    assert people.file("apps/modal/tile/prompt.json", pull["head"]["ref"])["1"]["inputs"]["width"] == 16384
    assert deployed(modal_bed) == [f"tile-pr{number}"]

    people.do("alice", "PUT", f"/pulls/{number}/merge", merge_method="squash")
    people.until(lambda: ("production: tile", "success") in [one[:2] for one in people.deployments()])
    people.until(lambda: deployed(modal_bed) == ["tile"])
