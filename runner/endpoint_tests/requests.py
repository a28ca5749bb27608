"""Bodies of requests made from an interface: right ones, and wrong ones."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, cast

from runner.endpoint_tests.sample_media import sample_media

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject

MEDIA_KINDS = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
UNKNOWN_INPUT = "flowberth_no_such_input"


def right_inputs(interface: JsonObject, seed: int) -> JsonObject:
    """What must be given, and every seed; all else is left at the workflow's own values."""
    inputs: JsonObject = {}
    for name, schema in properties(interface).items():
        kind = schema["x-flowberth"]["kind"]
        if kind in MEDIA_KINDS:
            media_type, data = sample_media(kind)
            inputs[name] = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
        elif kind == "seed":
            inputs[name] = min(seed, int(schema.get("maximum", seed)))
    return inputs


def seeds(interface: JsonObject) -> list[str]:
    """The inputs that are seeds."""
    return [name for name, schema in properties(interface).items() if schema["x-flowberth"]["kind"] == "seed"]


def wrong_bodies(interface: JsonObject) -> Iterator[tuple[str, bytes, str | None]]:
    """`(what is wrong, body, input that the answer must name)`. None of them may reach ComfyUI."""
    yield "an unknown input", json.dumps({UNKNOWN_INPUT: 1}).encode(), UNKNOWN_INPUT
    for name in properties(interface):
        yield f"a list for {name}", json.dumps({name: [[]]}).encode(), name  # a list is never right
    for name in cast("list[str]", interface["required"]):
        yield f"no {name}", b"{}", name
    yield "broken JSON", b'{"', None
    yield "no object", b"[1, 2]", None


def properties(interface: JsonObject) -> dict[str, JsonObject]:
    """The inputs' schemas by name."""
    return cast("dict[str, JsonObject]", interface["properties"])


def declared_outputs(interface: JsonObject) -> dict[str, JsonObject]:
    """`{name: {"kind", "node"}}`."""
    outputs = cast("dict[str, JsonObject]", interface["$defs"]["outputs"]["properties"])
    return {name: schema["x-flowberth"] for name, schema in outputs.items()}
