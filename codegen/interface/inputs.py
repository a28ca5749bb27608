"""Which literals of a prompt people will want to set, and what each means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from codegen.catalog import COMBO, Catalog, InputDefinition
from codegen.convert.dynamic import find_input
from codegen.core_version import MODEL_SUFFIXES, is_file_choice
from codegen.json_values import as_list, as_object
from codegen.model import Frozen, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator

InputKind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "choice", "seed", "image", "mask", "video", "audio", "mesh", "file"
]
OPPOSITES = {"positive": "negative", "negative": "positive"}
MEDIA: frozenset[InputKind] = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
SEEDS = frozenset({"seed", "noise_seed"})
SAMPLING = ("steps", "cfg", "denoise", "guidance")
SIZES = ("width", "height", "length", "batch_size", "frame_rate", "fps", "seconds", "duration")
PRIMITIVES = frozenset(
    {"PrimitiveInt", "PrimitiveFloat", "PrimitiveString", "PrimitiveStringMultiline", "PrimitiveBoolean", "CustomCombo"}
)
MEDIA_CLASSES: dict[str, InputKind] = {
    "LoadImage": "image",
    "LoadImageOutput": "image",
    "LoadImageMask": "mask",
    "LoadAudio": "audio",
    "LoadVideo": "video",
    "Load3D": "mesh",
    "Load3DAnimation": "mesh",
    "Load3DAdvanced": "mesh",
}
_UPLOADS: tuple[tuple[str, InputKind], ...] = (
    ("image_upload", "image"),
    ("animated_image_upload", "image"),
    ("video_upload", "video"),
    ("audio_upload", "audio"),
    ("mesh_upload", "mesh"),
    ("file_upload", "file"),
)
PRIMITIVE_VALUES = frozenset({"value", "choice"})
"""The inputs of those that hold what they give."""
Group: TypeAlias = Literal["text", "primitive", "media", "size", "seed", "sampling"]
GROUPS: tuple[Group, ...] = ("text", "primitive", "media", "size", "seed", "sampling")
"""What candidates are, in the order in which people ask for them."""
MAX_TRACE = 2_000
"""Nodes looked at when a conditioning is followed to its text; loops in hostile graphs end there."""


class Candidate(Frozen):
    """A literal that could become an input."""

    name: str
    kind: InputKind
    targets: tuple[tuple[str, str], ...]
    value: Any
    definition: InputDefinition | None
    title: str | None = None


def describe(prompt: JsonObject, catalog: Catalog, node_id: str, input_name: str) -> Candidate | None:
    """The candidate at one place of the prompt; `None` if there is no literal that people could set."""
    node = as_object(prompt.get(node_id))
    values = as_object(node.get("inputs"))
    if input_name not in values:
        return None
    value = values[input_name]
    if isinstance(value, list | dict) or value is None:
        return None
    kind_name = str(node.get("class_type"))
    definition = _definition(catalog, kind_name, input_name, values)
    kind = _kind(kind_name, input_name, value, definition)
    if kind is None:
        return None
    return Candidate(
        name=input_name.rsplit(".", 1)[-1],
        kind=kind,
        targets=((node_id, input_name),),
        value=value,
        definition=definition,
    )


def from_meaning(prompt: JsonObject, catalog: Catalog) -> Iterator[Candidate]:
    """Candidates by what they do in the prompt, the most asked for first."""
    texts = dict(_conditioning_texts(prompt, catalog))
    groups: dict[Group, list[Candidate]] = {group: [] for group in GROUPS}
    for node_id, node in prompt.items():
        for name in as_object(node.get("inputs")):
            candidate = describe(prompt, catalog, node_id, name)
            placed = _placed(candidate, prompt, catalog, texts) if candidate is not None else None
            if placed is not None:
                groups[placed[0]].append(placed[1])
    order = {"prompt": 0, "negative_prompt": 2}
    groups["text"].sort(key=lambda candidate: order.get(candidate.name, 1))
    for group in GROUPS:
        yield from groups[group]


def _placed(
    candidate: Candidate, prompt: JsonObject, catalog: Catalog, texts: dict[tuple[str, str], str]
) -> tuple[Group, Candidate] | None:
    """The group that a candidate belongs to, and its name there; `None` for what nobody will want to set."""
    node_id, name = candidate.targets[0]
    class_type = str(prompt[node_id].get("class_type"))
    definition = catalog.get(class_type)
    if candidate.kind in MEDIA:
        return "media", _named(candidate, _media_name(candidate.kind))
    if candidate.kind == "seed":
        return "seed", _named(candidate, "seed")
    if class_type in PRIMITIVES and name in PRIMITIVE_VALUES:
        return "primitive", _named(candidate, _consumer(prompt, node_id) or name)
    if candidate.kind == "text" and _is_prose(candidate):
        return "text", _named(candidate, texts.get((node_id, name), _text_name(name)))
    if name in SIZES and definition is not None and _makes_canvas(definition.outputs, name):
        return "size", candidate
    return ("sampling", candidate) if name in SAMPLING else None


def _named(candidate: Candidate, name: str) -> Candidate:
    return candidate.model_copy(update={"name": name})


def _definition(catalog: Catalog, class_type: str, name: str, values: JsonObject) -> InputDefinition | None:
    definition = catalog.get(class_type)
    return None if definition is None else definition.input(name) or find_input(definition.inputs, name, values)


def _kind(class_type: str, name: str, value: Any, declared: InputDefinition | None) -> InputKind | None:  # noqa: ANN401, PLR0911 - one line a type
    if declared is not None:
        for flag, kind in _UPLOADS:
            if declared.options.get(flag):
                return MEDIA_CLASSES.get(class_type, kind)
    if isinstance(value, bool):
        return "boolean"
    leaf = name.rsplit(".", 1)[-1]
    if isinstance(value, int | float):
        if leaf in SEEDS:
            return "seed"
        whole = isinstance(value, int) and (declared is None or declared.type == "INT")
        return "integer" if whole else "number"
    if not isinstance(value, str) or value.lower().endswith(MODEL_SUFFIXES):
        return None
    if declared is not None and declared.type == COMBO:
        return None if is_file_choice(value, declared.choices or (), declared.options) else "choice"
    return "text"


def _is_prose(candidate: Candidate) -> bool:
    if candidate.definition is None:
        return candidate.name in {"text", "prompt", "positive", "negative"}
    return bool(candidate.definition.options.get("multiline"))


def _text_name(name: str) -> str:
    leaf = name.rsplit(".", 1)[-1]
    return "prompt" if leaf in {"text", "prompt", "user_prompt", "text_prompt"} else leaf


def _media_name(kind: InputKind) -> str:
    return {"mesh": "model_3d"}.get(kind, kind)


def _makes_canvas(outputs: tuple[Any, ...], name: str) -> bool:
    """Sizes are offered where something is made, not where something is cropped or resized on the way."""
    kinds = {output.type for output in outputs}
    return "LATENT" in kinds or (name in {"width", "height"} and kinds == {"IMAGE"})


def _consumer(prompt: JsonObject, node_id: str) -> str | None:
    """The input that a primitive feeds, if all its readers agree."""
    names = {
        name.rsplit(".", 1)[-1]
        for node in prompt.values()
        for name, value in as_object(node.get("inputs")).items()
        if as_list(value)[:1] == [node_id]
    }
    return names.pop() if len(names) == 1 else None


def _conditioning_texts(prompt: JsonObject, catalog: Catalog) -> Iterator[tuple[tuple[str, str], str]]:
    """Texts that reach a sampler's `positive` or `negative`, by which they reach."""
    reached: dict[tuple[str, str], set[str]] = {}
    for node in prompt.values():
        inputs = as_object(node.get("inputs"))
        for name in ("positive", "negative", "conditioning"):
            value = as_list(inputs.get(name))
            if value:
                for place in _texts_behind(prompt, catalog, str(value[0]), name):
                    reached.setdefault(place, set()).add("negative" if name == "negative" else "positive")
    for place, sides in reached.items():
        yield place, "negative_prompt" if sides == {"negative"} else "prompt"


def _texts_behind(prompt: JsonObject, catalog: Catalog, start: str, side: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    stack = [start]
    while stack and len(seen) < MAX_TRACE:
        node_id = stack.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        for name, value in as_object(as_object(prompt.get(node_id)).get("inputs")).items():
            if isinstance(value, str):
                candidate = describe(prompt, catalog, node_id, name)
                if candidate is not None and candidate.kind == "text" and _is_prose(candidate):
                    yield node_id, name
            # A node that has both sides (ControlNetApplyAdvanced) passes each on to its own output.
            elif as_list(value) and name != OPPOSITES.get(side):
                stack.append(str(value[0]))
