"""Literals of the prompt that people could set, and what kind of value each is."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard

from codegen.catalog import COMBO, InputDefinition
from codegen.convert.dynamic import DYNAMIC_COMBO, find_input
from codegen.core_version import MODEL_SUFFIXES, is_file_choice
from codegen.json_values import objects
from codegen.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.interface.prompt_graph import PromptGraph

InputKind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "choice", "seed", "image", "mask", "video", "audio", "mesh", "file"
]
MEDIA: frozenset[InputKind] = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
_KINDS: dict[str, InputKind] = {"INT": "integer", "FLOAT": "number", "BOOLEAN": "boolean", "STRING": "text"}
_MEDIA_CLASSES: dict[str, InputKind] = {
    "LoadImage": "image",
    "LoadImageOutput": "image",
    "LoadImageMask": "mask",
    "LoadAudio": "audio",
    "LoadVideo": "video",
    "Load3D": "mesh",
    "Load3DAnimation": "mesh",
    "Load3DAdvanced": "mesh",
    "Painter": "mask",
}
_UPLOADS: tuple[tuple[str, InputKind], ...] = (
    ("image_upload", "image"),
    ("animated_image_upload", "image"),
    ("video_upload", "video"),
    ("audio_upload", "audio"),
    ("mesh_upload", "mesh"),
    ("file_upload", "file"),
)
_SUFFIXES: dict[str, InputKind] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tiff"), "image"),
    **dict.fromkeys((".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif"), "video"),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".m4a"), "audio"),
    **dict.fromkeys((".glb", ".gltf", ".obj", ".stl", ".fbx", ".ply"), "mesh"),
}
"""What a loader of a class that is not of the core loads, by the file that it names."""
_INTERNAL = frozenset({"device", "dtype", "weight_dtype", "filename_prefix", "offload_device", "main_device"})
"""Settings of the machine that runs the workflow, which is not the caller's."""
_LOADED = frozenset({"MODEL", "CLIP", "VAE", "CLIP_VISION", "CONTROL_NET", "STYLE_MODEL", "UPSCALE_MODEL"})
"""How a model is loaded is settled with the model."""
_FRACTIONS = frozenset({"cfg", "denoise", "guidance", "strength"})
"""Numbers that may have fractions even where a file has none."""
_PROSE_NAMES = frozenset({"text", "prompt", "positive", "negative", "negative_prompt", "positive_prompt"})
"""Texts of people, in classes that nobody has defined."""


class Candidate(Frozen):
    """A literal that could become an input."""

    names: tuple[str, ...]
    """The best first; a later one is taken when another input has those before it."""
    kind: InputKind
    targets: tuple[tuple[str, str], ...]
    value: Any
    definition: InputDefinition | None
    title: str | None = None
    """What a person calls it."""

    @property
    def leaf(self) -> str:
        """Name of the widget, without the groups it is in."""
        return leaf(self.targets[0][1])


def leaf(name: str) -> str:
    """`sampling_mode.seed` is the widget `seed`."""
    return name.rsplit(".", 1)[-1]


def describe(graph: PromptGraph, node: str, name: str) -> Candidate | None:
    """The candidate at one place of the prompt; `None` if there is no literal that people could set."""
    values = graph.inputs(node)
    value = values.get(name)
    if isinstance(value, list | dict) or value is None or leaf(name) in _INTERNAL:
        return None
    declared = _with_choices(graph, node, definition_of(graph, node, name))
    kind = _kind(graph.class_type(node), name, value, declared)
    if kind is None or (kind == "choice" and _LOADED >= graph.gives(node) > set()):
        return None
    own = _sound(value, declared)
    return Candidate(names=(leaf(name),), kind=kind, targets=((node, name),), value=own, definition=declared)


def definition_of(graph: PromptGraph, node: str, name: str) -> InputDefinition | None:
    """What the core says of an input, also of one inside a dynamic combo."""
    definition = graph.definition(node)
    if definition is None:
        return None
    return definition.input(name) or find_input(definition.inputs, name, graph.inputs(node))


def _with_choices(graph: PromptGraph, node: str, declared: InputDefinition | None) -> InputDefinition | None:
    """A combo that a person filled has its choices beside it; where its index is used, too, they are not free."""
    if declared is None or graph.class_type(node) != "CustomCombo" or declared.name != "choice":
        return declared
    if any(wire.slot != 0 for wire in graph.wires_from(node)):
        return declared
    options = (value for name, value in graph.inputs(node).items() if name.startswith("option"))
    return declared.model_copy(
        update={"choices": tuple(value for value in options if isinstance(value, str) and value)}
    )


def is_prose(graph: PromptGraph, node: str, name: str) -> bool:
    """Whether the literal at a place is text that a person wrote."""
    if not isinstance(graph.inputs(node).get(name), str):
        return False
    candidate = describe(graph, node, name)
    if candidate is None or candidate.kind != "text":
        return False
    if candidate.definition is None:
        return candidate.leaf in _PROSE_NAMES
    return bool(candidate.definition.options.get("multiline"))


def optional(candidate: Candidate) -> bool:
    """Whether a file may be left out: only where the workflow itself has none."""
    declared = candidate.definition
    return candidate.value == "" and declared is not None and declared.options.get("default") == ""


def unknown_option(graph: PromptGraph, node: str) -> bool:
    """Whether a dynamic combo stands on an option that the core does not have, whose inputs are therefore not known."""
    definition = graph.definition(node)
    values = graph.inputs(node)
    return definition is not None and any(
        entry.type == DYNAMIC_COMBO
        and entry.name in values
        and values[entry.name] not in [option.get("key") for option in objects(entry.options.get("options"))]
        for entry in definition.inputs
    )


def _kind(class_type: str, name: str, value: Any, declared: InputDefinition | None) -> InputKind | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and value.lower().endswith(MODEL_SUFFIXES):
        return None
    return _undeclared(class_type, name, value) if declared is None else _declared(class_type, name, value, declared)


def _declared(class_type: str, name: str, value: Any, declared: InputDefinition) -> InputKind | None:  # noqa: ANN401
    for flag, kind in _UPLOADS:
        if declared.options.get(flag):
            return _MEDIA_CLASSES.get(class_type, kind)
    if declared.type == "INT" and is_seed(name) and not (_is_number(value) and value < 0):
        return "seed"
    if declared.type == COMBO and not is_file_choice(value, declared.choices or (), declared.options):
        return "choice"
    # The rest are files, and options of dynamic combos, which have inputs that this prompt does not have.
    return _KINDS.get(declared.type)


def _undeclared(class_type: str, name: str, value: Any) -> InputKind | None:  # noqa: ANN401
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and leaf(name) not in _FRACTIONS:
        return "seed" if is_seed(name) and value >= 0 else "integer"
    if isinstance(value, int | float):
        return "number"
    if is_seed(name):
        return None  # the values of an unknown class were saved in another order than its inputs
    loads = "load" in class_type.lower()
    return _SUFFIXES.get(PurePosixPath(value).suffix.lower(), "text") if loads else "text"


def is_seed(name: str) -> bool:
    """Whether an input decides what is drawn at random."""
    return leaf(name).lower() == "seed" or leaf(name).lower().endswith("_seed")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sound(value: Any, declared: InputDefinition | None) -> Any:  # noqa: ANN401 - any JSON value
    """The workflow's value; where it is not of the declared type, so that no server takes it, the definition's."""
    if declared is None:
        return value
    default, sound = declared.options.get("default"), _SOUND.get(declared.type)
    if declared.type == COMBO:
        choices = declared.choices or (value,)
        return value if isinstance(value, str) or value in choices else choices[0]
    if sound is None or sound(value):
        return value
    if declared.type == "STRING":
        return json.dumps(value)
    return default if sound(default) else declared.options.get("min", 0)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


_SOUND: dict[str, Callable[[object], bool]] = {
    "INT": _is_whole,
    "FLOAT": _is_number,
    "BOOLEAN": lambda value: isinstance(value, bool),
    "STRING": lambda value: isinstance(value, str),
}
