"""Literals of the prompt that people could set, and what kind of value each is."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from codegen.catalog import COMBO, InputDefinition
from codegen.convert.dynamic import DYNAMIC_COMBO, find_input
from codegen.core_version import MODEL_SUFFIXES, is_file_choice
from codegen.json_values import objects
from codegen.model import Frozen

if TYPE_CHECKING:
    from codegen.interface.prompt_graph import PromptGraph

InputKind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "choice", "seed", "image", "mask", "video", "audio", "mesh", "file"
]
MEDIA: frozenset[InputKind] = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
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
    declared = definition_of(graph, node, name)
    kind = _kind(graph.class_type(node), name, value, declared)
    if kind is None:
        return None
    return Candidate(names=(leaf(name),), kind=kind, targets=((node, name),), value=value, definition=declared)


def definition_of(graph: PromptGraph, node: str, name: str) -> InputDefinition | None:
    """What the core says of an input, also of one inside a dynamic combo."""
    definition = graph.definition(node)
    if definition is None:
        return None
    return definition.input(name) or find_input(definition.inputs, name, graph.inputs(node))


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


def _kind(class_type: str, name: str, value: Any, declared: InputDefinition | None) -> InputKind | None:  # noqa: ANN401, PLR0911 - any JSON value; one line a type
    if declared is not None:
        for flag, kind in _UPLOADS:
            if declared.options.get(flag):
                return _MEDIA_CLASSES.get(class_type, kind)
        if declared.type == DYNAMIC_COMBO:
            return None  # another option has other inputs, which this prompt does not have
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return _kind_of_number(leaf(name), value, declared)
    if not isinstance(value, str) or value.lower().endswith(MODEL_SUFFIXES):
        return None
    if declared is not None and declared.type == COMBO:
        return None if is_file_choice(value, declared.choices or (), declared.options) else "choice"
    if declared is None and "load" in class_type.lower():
        return _SUFFIXES.get(PurePosixPath(value).suffix.lower(), "text")
    return "text"


def _kind_of_number(name: str, value: float, declared: InputDefinition | None) -> InputKind:
    whole = isinstance(value, int) and (declared is None or declared.type == "INT")
    if whole and value >= 0 and (name.lower() == "seed" or name.lower().endswith("_seed")):
        return "seed"
    return "integer" if whole else "number"
