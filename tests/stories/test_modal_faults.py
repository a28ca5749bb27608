"""What can go wrong on Modal goes wrong at every stage of one workflow, and a reviewed endpoint comes of it all the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from inline_snapshot import snapshot

from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture
from tests.modal.machine import COMFYUI
from tests.stories.people import People, pasted
from tests.stories.test_modal import deployed, on_modal  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.modal.bed import ModalBed
    from tests.stories.served import Served

PATIENCE_SECONDS = 300
PACK = "https://github.com/cubiq/ComfyUI_essentials"
COMMIT = "9d9f4bedfc9f0321c19faf71855e228c93bd0dc9"
MODEL = "https://huggingface.co/acme/sharp/resolve/main/4x-sharp.pth"
MIRRORED = "https://huggingface.co/acme/open/resolve/main/4x-sharp.pth"
GATED = """\
huggingface_hub.errors.GatedRepoError: 401 Client Error.
Cannot access gated repo for url https://huggingface.co/acme/sharp/resolve/main/4x-sharp.pth.
Access to model acme/sharp is restricted. You must have access to it and be authenticated to access it.
shared.models.ModelUnavailable: upscale_models/4x-sharp.pth: access refused by huggingface.co with 401; accept its licence
"""
NO_SUCH_PACKAGE = (
    "  × No solution found when resolving dependencies:",
    "  ╰─▶ Because imath was not found in the package registry and you require",
    "      imath>=3.1.0, we can conclude that your requirements are unsatisfiable.",
)
PACK_FILES = {
    "__init__.py": """\
import filelock


class Framed:
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}


NODE_CLASS_MAPPINGS = {"ImageFramed+": Framed}
"""
}
TOO_SMALL = ("T4",)
"""GPUs on which its ComfyUI runs out of memory."""


def upscaling() -> dict[str, Any]:
    """A workflow with a model, a node of a pack, and a picture that is wider than ComfyUI makes any."""

    def node(number: int, kind: str, inputs: list[Any], outputs: list[Any], **more: Any) -> dict[str, Any]:
        slots = [{"name": name, "type": type_, "link": link} for name, type_, link in inputs]
        ends = [{"name": type_, "type": type_, "links": links} for type_, links in outputs]
        return {"id": number, "type": kind, "inputs": slots, "outputs": ends, "mode": 0, **more}

    listed = [{"name": "4x-sharp.pth", "url": MODEL, "directory": "upscale_models"}]
    framed = {"aux_id": "cubiq/ComfyUI_essentials", "ver": COMMIT}
    return {
        "version": 0.4,
        "nodes": [
            node(1, "EmptyImage", [], [("IMAGE", [1])], widgets_values=[64_000, 48, 1, 255]),
            node(
                2,
                "UpscaleModelLoader",
                [],
                [("UPSCALE_MODEL", [2])],
                widgets_values=["4x-sharp.pth"],
                properties={"models": listed},
            ),
            node(
                3,
                "ImageUpscaleWithModel",
                [("upscale_model", "UPSCALE_MODEL", 2), ("image", "IMAGE", 1)],
                [("IMAGE", [3])],
            ),
            node(4, "ImageFramed+", [("image", "IMAGE", 3)], [("IMAGE", [4])], properties=framed),
            node(5, "SaveImage", [("images", "IMAGE", 4)], [], widgets_values=["tile"]),
        ],
        "links": [
            [1, 1, 0, 3, 1, "IMAGE"],
            [2, 2, 0, 3, 0, "UPSCALE_MODEL"],
            [3, 3, 0, 4, 0, "IMAGE"],
            [4, 4, 0, 5, 0, "IMAGE"],
        ],
    }


def store(bed: ModalBed, url: str) -> None:
    """As the app's `fetch_models` does."""
    (volume,) = [one for one in bed.workspace().volumes.values() if one.name == "flowberth-models"]
    file = bed.volume_folder(volume) / "url" / hashlib.sha256(url.encode()).hexdigest()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"weights")


def attempts(body: str) -> list[tuple[str, str]]:
    """(number, what came of it) of the table in a pull request."""
    rows = (row.split("|") for row in body.partition("### Repaired: ")[2].splitlines() if row.startswith("| "))
    return [(cells[1].strip(), cells[3].strip()) for cells in rows if cells[1].strip().isdigit()]


@pytest.mark.long
def test_a_fault_at_each_stage_is_repaired_or_asked_about_and_the_pull_request_tells_of_all(
    on_modal: Served,  # noqa: F811
    people: People,
    modal_bed: ModalBed,  # noqa: F811
) -> None:
    modal_bed.repositories[PACK] = PACK_FILES
    modal_bed.comfyui = COMFYUI.replace("__file__)", f"__file__, {TOO_SMALL!r})")
    conflict = modal_bed.fail_build(" dependencies ", NO_SUCH_PACKAGE, times=1)
    gated = modal_bed.fail_function("fetch_models", GATED, times=None)

    issue = people.opens_issue("bob", body=pasted(upscaling()))
    asked = people.until(
        lambda: next((body for body in people.bodies(issue) if "needs an answer" in body), None), PATIENCE_SECONDS
    )
    assert "Attempt 2 of 10" in asked
    assert "only to accounts that have agreed to its licence" in asked
    assert "model upscale_models/4x-sharp.pth = https://…" in asked
    assert (conflict.struck, gated.struck) == (1, 1)
    people.until(lambda: people.labels(issue) == ["flowberth:needs-input"])
    assert deployed(modal_bed) == []

    modal_bed.faults.clear()
    modal_bed.instead_of("fetch_models", lambda: store(modal_bed, MIRRORED))
    people.comments("bob", issue, f"model upscale_models/4x-sharp.pth = {MIRRORED}")
    pull = people.sees_ready_pull()
    assert [number for number, _ in attempts(pull["body"])] == ["1", "2", "3", "4"]
    assert [outcome for _, outcome in attempts(pull["body"])] == snapshot(
        [
            "the module filelock is missing",
            "width of EmptyImage is out of bounds, and becomes 16384",
            "T4 has not enough memory for the workflow",
            "all tests passed",
        ]
    )
    lock = people.file("apps/modal/tile/app.lock.json", pull["head"]["ref"])
    assert [package.partition("==")[0] for package in lock["dependencies"]["packages"]].count("filelock") == 1
    assert lock["hardware"]["gpu"] not in (None, *TOO_SMALL)
    assert lock["models"][0]["url"] == MIRRORED
    assert people.file("apps/modal/tile/prompt.json", pull["head"]["ref"])["1"]["inputs"]["width"] == 16384
    assert deployed(modal_bed) == [f"tile-pr{pull['number']}"]
    (app,) = [one for one in modal_bed.workspace().apps.values() if one.is_deployed]
    assert app.tags["flowberth-attempt"] == "4"
