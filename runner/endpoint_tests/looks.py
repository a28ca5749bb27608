"""What of a sample is shown to a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.endpoint_tests.requests import PROSE, properties
from runner.quality.judge import Look

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from runner.model import OutputQuality, Sample

LOOKED_AT: Final = ("image", "video", "mesh")
"""Kinds whose picture shows what they are; the wave of a sound does not."""


def look_at(
    sample: Sample, quality: tuple[OutputQuality, ...], interface: JsonObject, reference: bytes | None
) -> Look | None:
    """The sample's picture with what was asked for; `None` if there is nothing to look at.

    `quality`: of the same call's outputs, of which the sample is the first of its kind.
    """
    shown = [one for kind in LOOKED_AT for one in quality if one.kind == kind]
    is_picture = sample.media_type.startswith("image/")
    picture = sample.data if is_picture else sample.preview
    if not shown or picture is None or sample.media_type.startswith(("audio/", "text/")):
        return None
    texts = {
        name: str(schema.get("default") or "")
        for name, schema in properties(interface).items()
        if schema["x-flowberth"]["kind"] == "text" and PROSE.search(name)
    }
    return Look(
        output=shown[0].output,
        kind=shown[0].kind,
        picture=picture,
        media_type=sample.media_type if is_picture else "image/png",
        texts={name: text for name, text in texts.items() if text},
        reference=reference,
    )
