"""`interface.json` from hints and candidates."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, TypeGuard

from codegen.interface.hints import MAX_NAME, Hint, hints
from codegen.interface.inputs import MEDIA, Candidate, describe, from_meaning
from codegen.interface.outputs import Output, find_outputs
from codegen.json_values import as_object

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.model import JsonObject, Workflow

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_SEED = 2**64 - 1
"""KSampler's own bound."""
MAX_INPUTS = 64
"""A form with more is no form; what is left out keeps the workflow's own value."""
RESERVED_NAMES = frozenset({"webhook_url"})
"""Fields of the request that are no inputs of the workflow."""

MEANT_BOUND = 2**53
"""Larger bounds of a definition are those of a machine type, and say nothing to people."""

_DESCRIPTIONS = {
    "text": "Text",
    "seed": "The same seed gives the same result; left out, a random one is used and reported",
    "image": "A picture: https URL, data URI or file upload",
    "mask": "A mask picture: https URL, data URI or file upload",
    "video": "A video: https URL, data URI or file upload",
    "audio": "A sound file: https URL, data URI or file upload",
    "mesh": "A 3D model: https URL, data URI or file upload",
    "file": "A file: https URL, data URI or file upload",
}


def build_interface(name: str, workflow: Workflow, prompt: JsonObject, catalog: Catalog) -> JsonObject:
    """The whole document. The same workflow gives the same names, in the same order."""
    taken: set[tuple[str, str]] = set()
    chosen: list[Candidate] = []
    found = hints(workflow, catalog)
    has_form = any(hint.app_mode for hint in found)
    for hint in found:
        candidate = _from_hint(hint, prompt, catalog)
        if (
            candidate is not None
            and not taken & set(candidate.targets)
            and _wanted(candidate, has_form=has_form, in_form=hint.app_mode)
        ):
            taken |= set(candidate.targets)
            chosen.append(candidate)
    for candidate in from_meaning(prompt, catalog):
        if not taken & set(candidate.targets) and _wanted(candidate, has_form=has_form, in_form=False):
            taken |= set(candidate.targets)
            chosen.append(_titled(candidate, prompt, catalog))
    properties: JsonObject = {}
    required: list[str] = []
    for candidate in chosen[:MAX_INPUTS]:
        key = _unique(_identifier(candidate.name, candidate.kind), properties)
        properties[key] = _property(candidate, prompt)
        if candidate.kind in MEDIA:
            required.append(key)
    outputs: JsonObject = {}
    for output in find_outputs(prompt, catalog):
        outputs[_unique(output.kind, outputs)] = _output(output, prompt)
    return {
        "$schema": DRAFT,
        "title": name,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
        "$defs": {"outputs": {"type": "object", "properties": outputs}},
    }


def _wanted(candidate: Candidate, *, has_form: bool, in_form: bool) -> bool:
    """Where somebody made a form, it is the interface; with the files and seeds without which no call makes sense."""
    return in_form or not has_form or candidate.kind in MEDIA or candidate.kind == "seed"


def _from_hint(hint: Hint, prompt: JsonObject, catalog: Catalog) -> Candidate | None:
    found = [candidate for target in hint.targets if (candidate := describe(prompt, catalog, *target)) is not None]
    if not found:
        return None
    targets = tuple(target for candidate in found for target in candidate.targets if candidate.kind == found[0].kind)
    name = "prompt" if found[0].kind == "text" and hint.name in {"text", "user_prompt"} else hint.name
    return found[0].model_copy(update={"name": "seed" if found[0].kind == "seed" else name, "targets": targets})


def _titled(candidate: Candidate, prompt: JsonObject, catalog: Catalog) -> Candidate:
    """A primitive or a loader whose title a person wrote is called by it."""
    node = prompt[candidate.targets[0][0]]
    kind = str(node.get("class_type"))
    title = _given_title(node)
    definition = catalog.get(kind)
    usual = {kind, definition.display_name if definition else kind, *_USUAL_TITLES}
    generic = candidate.targets[0][1] in {"value", "image", "choice", "file", "audio"}
    if not generic or not title or title in usual or len(title) > MAX_NAME:
        return candidate
    return candidate.model_copy(update={"name": title}) if _identifier(title, "") else candidate


_USUAL_TITLES = frozenset(
    {
        "Load Image", "Load Image (as Mask)", "Load Audio", "Load Video", "LoadVideo", "LoadAudio", "Load 3D", "Int",
        "Float", "String", "Boolean", "String (Multiline)", "Text String", "Text String (Multiline)", "Custom Combo",
        "Primitive",
    }
)  # fmt: skip
"""What the frontend itself calls these nodes."""


def _property(candidate: Candidate, prompt: JsonObject) -> JsonObject:
    kind, declared = candidate.kind, candidate.definition
    options = declared.options if declared else {}
    facts: JsonObject = {"kind": kind, "targets": [list(target) for target in candidate.targets]}
    schema: JsonObject = {"title": _title(candidate, prompt)}
    match kind:
        case "text":
            schema |= {"type": "string", "default": candidate.value}
            facts["multiline"] = bool(options.get("multiline"))
        case "boolean":
            schema |= {"type": "boolean", "default": candidate.value}
        case "choice":
            choices = list(declared.choices or ()) if declared else []
            if candidate.value not in choices:
                choices.append(candidate.value)
            schema |= {"enum": choices, "default": candidate.value}
        case "seed":
            high = options.get("max")
            schema |= {"type": "integer", "minimum": 0, "maximum": high if isinstance(high, int) else MAX_SEED}
        case "integer" | "number":
            schema |= {"type": kind, **_bounds(options, candidate.value), "default": candidate.value}
        case _:
            schema["type"] = "string"
    if kind in _DESCRIPTIONS and kind != "text":
        schema["description"] = _DESCRIPTIONS[kind]
    schema["x-flowberth"] = facts
    return schema


def _bounds(options: JsonObject, value: float) -> JsonObject:
    """Bounds of the definition, as far as the workflow's own value keeps to them."""
    bounds: JsonObject = {}
    low, high, step = options.get("min"), options.get("max"), options.get("step")
    if _number(low) and low <= value:
        bounds["minimum"] = low
    if _number(high) and high >= value:
        bounds["maximum"] = high
    if _number(step) and step > 0:
        bounds["x-step"] = step
    return bounds


def _number(value: Any) -> TypeGuard[int | float]:  # noqa: ANN401 - any JSON value
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MEANT_BOUND


def _output(output: Output, prompt: JsonObject) -> JsonObject:
    return {"title": _node_title(prompt, output.node), "x-flowberth": {"kind": output.kind, "node": output.node}}


def _title(candidate: Candidate, prompt: JsonObject) -> str:
    node, name = candidate.targets[0]
    return f"{_node_title(prompt, node)}: {name}"[:120]


def _node_title(prompt: JsonObject, node: str) -> str:
    return (_given_title(prompt[node]) or str(prompt[node].get("class_type")))[:100]


def _given_title(node: JsonObject) -> str:
    title = as_object(node.get("_meta")).get("title")
    return title if isinstance(title, str) else ""


def _identifier(name: str, fallback: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_NAME].strip("_")
    if slug and slug[0].isdigit():
        slug = f"input_{slug}"
    return f"{slug}_input" if slug in RESERVED_NAMES else slug or fallback


def _unique(name: str, taken: JsonObject) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
