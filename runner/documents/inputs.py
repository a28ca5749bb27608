"""The inputs of an app, each in a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from runner.documents.markdown import Markdown, code

if TYPE_CHECKING:
    from codegen.model import JsonObject

MAX_DEFAULT: Final = 60
"""Characters of a default; the interface has the rest."""


class Input(NamedTuple):
    """What a caller may set."""

    name: str
    kind: str
    default: Markdown
    """What counts if it is left out."""
    limits: str


def described_inputs(interface: JsonObject) -> list[Input]:
    """In the order of the interface."""
    required = set(cast("list[str]", interface["required"]))
    properties = cast("JsonObject", interface["properties"])
    return [_described(name, schema, required=name in required) for name, schema in properties.items()]


def _described(name: str, schema: JsonObject, *, required: bool) -> Input:
    kind = str(schema["x-flowberth"]["kind"])
    limits = ""
    if kind != "seed":
        words = {"minimum": "at least", "maximum": "at most"}
        limits = ", ".join(f"{word} {schema[key]}" for key, word in words.items() if key in schema)
        if isinstance(schema.get("enum"), list):
            limits = f"one of {len(schema['enum'])}"
    return Input(name, kind, _default(schema, kind, required=required), limits)


def _default(schema: JsonObject, kind: str, *, required: bool) -> Markdown:
    if required:
        return Markdown("required")
    if kind == "seed":
        return Markdown("random")
    if "default" not in schema:
        return Markdown("as in the workflow")
    return code(json.dumps(schema["default"], ensure_ascii=False), MAX_DEFAULT)
