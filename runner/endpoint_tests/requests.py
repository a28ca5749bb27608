"""Bodies of requests made from an interface: right ones, and wrong ones."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, cast

from runner.endpoint_tests.sample_media import sample_media

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject

MEDIA_KINDS = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
FIRST_SEED = 1
"""Of the sample. Small, so that every seed input takes it, and fixed, so that the sample can be made again."""
MAX_SEED = 2**64 - 1
SIZES = frozenset({"width", "height", "length", "batch_size", "steps", "fps", "frame_rate", "duration", "seconds"})
"""Numbers that make a call cost more or less."""
PROSE = re.compile(r"prompt|text|caption|lyrics|tags")
"""Names of texts that may say anything."""
UNKNOWN_INPUT = "flowberth_no_such_input"


def right_inputs(interface: JsonObject, variant: int) -> JsonObject:
    """What must be given; all else is left at the workflow's own values.

    Another `variant` differs in one thing, or ComfyUI would answer from its cache: in every seed, or for want of one in
    the input that `varied` names. Variant 0 is the workflow as it is.
    """
    chosen = varied(interface)
    inputs: JsonObject = {}
    for name, schema in properties(interface).items():
        kind = str(schema["x-flowberth"]["kind"])
        if kind in MEDIA_KINDS:
            media_type, data = sample_media(kind, variant if name == chosen else 0)
            inputs[name] = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
        elif kind == "seed":
            inputs[name] = min(FIRST_SEED + variant, int(schema.get("maximum", MAX_SEED)))
        elif name == chosen and variant:
            inputs[name] = _varied_value(schema, kind, variant)
    return inputs


def varied(interface: JsonObject) -> str | None:
    """The input that tells variants apart where there is no seed: a prompt, a picture, a number that is no size."""
    kinds = {name: str(schema["x-flowberth"]["kind"]) for name, schema in properties(interface).items()}
    if "seed" in kinds.values():
        return None
    # Of texts only prompts: others may be code, or the name of something.
    fit = {name: kind for name, kind in kinds.items() if kind != "text" or PROSE.search(name)}
    plain = [name for name in fit if name.rstrip("_0123456789") not in SIZES]
    for kind in ("text", "image", "mask", "number", "integer"):
        for name in (*plain, *fit):
            if fit[name] == kind:
                return name
    return None


def _varied_value(schema: JsonObject, kind: str, variant: int) -> object:
    default = schema["default"]
    if kind == "text":
        return f"{default} ({variant})"
    step = schema["x-flowberth"].get("step") or (1 if kind == "integer" else 0.01)
    lower, higher = default - variant * step, default + variant * step
    if "maximum" in schema:
        return higher if higher <= schema["maximum"] else lower
    return lower if lower >= schema.get("minimum", 1) else higher  # what no bound is known of may be at one


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
