"""`README.md` of a generated app: how to call it, and what it costs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from codegen.model import Frozen, JsonObject
from codegen.templating import TEMPLATES

if TYPE_CHECKING:
    from codegen.lock import Lock

EXAMPLE_TEXT = 60
"""Characters of a default text in the example calls."""
EXAMPLE_INPUTS = 3
"""Inputs in them beside files and seeds: an example shows the main ones."""
MEDIA_KINDS = frozenset({"image", "mask", "video", "audio", "mesh", "file"})


class Measured(Frozen):
    """What a test run found out."""

    cold_start_seconds: float
    warm_seconds: float | None
    usd_per_call: float
    engine: str
    sample: str | None = None


def readme(lock: Lock, interface: JsonObject, measured: Measured | None = None) -> bytes:
    """Markdown. Texts of the workflow appear only inside JSON code blocks and code spans."""
    properties = cast("JsonObject", interface["properties"])
    text = TEMPLATES.get_template("README.md.j2").render(
        lock=lock,
        overrides=[
            (_code(f"{one.input} of node {one.node}"), _code(one.value), _plain(one.because)) for one in lock.inputs
        ],
        inputs=[_row(name, schema, name in interface["required"]) for name, schema in properties.items()],
        outputs=[
            (name, schema["x-flowberth"]["kind"])
            for name, schema in interface["$defs"]["outputs"]["properties"].items()
        ],
        body=example_body(interface),
        python_body=_python_dict(example_inputs(interface)),
        measured=measured,
    )
    return text.encode()


def example_body(interface: JsonObject) -> str:
    """A request body that works, as ASCII JSON: no line of it can end the code block that it stands in."""
    return json.dumps(example_inputs(interface), indent=2, ensure_ascii=True)


def example_inputs(interface: JsonObject) -> JsonObject:
    """Inputs for an example call: what must be given, a seed, and the first others."""
    properties = cast("JsonObject", interface["properties"])
    kinds = {name: str(schema["x-flowberth"]["kind"]) for name, schema in properties.items()}
    telling = [name for name, kind in kinds.items() if kind in {"text", "choice"}]
    telling += [name for name, kind in kinds.items() if kind in {"integer", "number", "boolean"}]
    body: JsonObject = {}
    for name, kind in kinds.items():
        if kind in MEDIA_KINDS:
            body[name] = f"https://example.com/{kind}"
        elif kind == "seed":
            body[name] = 42
        elif name in telling[:EXAMPLE_INPUTS]:
            value = _example_value(properties[name], kind)
            body[name] = value[:EXAMPLE_TEXT] if isinstance(value, str) and kind == "text" else value
    return body


def _example_value(schema: JsonObject, kind: str) -> Any:  # noqa: ANN401 - any JSON value
    """Its default; one that a person has taken it from gets another that may do."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    return {"text": "text", "boolean": False}.get(kind, schema.get("minimum", 1))


def _python_dict(values: JsonObject) -> str:
    """ASCII, with the quotes that formatters like."""
    rows = (f"    {json.dumps(key)}: {_python(value)},\n" for key, value in values.items())
    return "{\n" + "".join(rows) + "}"


def _python(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else ascii(value)


def _row(name: str, schema: Any, required: bool) -> dict[str, str]:  # noqa: ANN401, FBT001 - JSON
    kind = schema["x-flowberth"]["kind"]
    limits = [
        f"{label} {schema[key]}"
        for key, label in (("minimum", "at least"), ("maximum", "at most"))
        if key in schema and kind != "seed"
    ]
    default = "required" if required else "random" if kind == "seed" else _code(schema.get("default"))
    return {"name": name, "kind": kind, "default": default, "limits": ", ".join(limits)}


def _plain(text: str) -> str:
    """A sentence that may quote anything, as one line in which no letter means something to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~@-])", r"\\\1", " ".join(text.split()))


def _code(value: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(value, ensure_ascii=True)
    if len(text) > EXAMPLE_TEXT:
        text = text[: EXAMPLE_TEXT - 1] + "…"
    text = text.replace("`", "'").replace("|", "\\|")
    return f"`{text}`"
