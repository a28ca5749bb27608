"""Which widgets a node has, in which order, and which saved value belongs to which.

`widgets_values` is positional over the node's widgets in the order of its definition. What takes a place there without
being an input (upload buttons, "control after generate") is known only from the frontend's own rules, collected here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegen.catalog import COMBO, InputDefinition, NodeDefinition, input_definitions
from codegen.json_values import as_list, is_list, is_object, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codegen.convert.graph import Node

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"

WIDGET_TYPES = frozenset(
    {
        "INT", "FLOAT", "STRING", "BOOLEAN", COMBO, "COLOR", "COLORS", "CURVE", "RANGE", "BOUNDING_BOX",
        "BOUNDING_BOXES", "MARKDOWN", "TEXTAREA", "IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "AUDIO_RECORD", "WEBCAM",
        "LOAD_3D", "LOAD_3D_ANIMATION", "LOAD3D", "PREVIEW_3D", "PREVIEW_3D_ANIMATION", "PAINTER", "IMAGECOMPARE",
        "FILEUPLOAD", "CHART", "GALLERIA", "TREESELECT", "MULTISELECT", "SELECTBUTTON", "IMAGECROP",
    }
)  # fmt: skip
"""Types for which the frontend makes a widget (ComfyUI_frontend, src/scripts/widgets.ts and the widget registry)."""

UPLOAD_FLAGS = ("image_upload", "animated_image_upload", "video_upload", "file_upload", "mesh_upload")
"""Options of a combo that add an upload button behind it."""
SEED_NAMES = frozenset({"seed", "noise_seed"})
ABSENT: Any = object()
"""JavaScript's `undefined`: a value that is not there, and is left out of the prompt."""

MAX_WIDGETS = 5_000
"""Of one node: dynamic combos nest, and a definition is data of strangers when it comes from a server."""


@dataclass(slots=True)
class Widget:
    """A widget and its value."""

    name: str
    type: str
    value: Any
    definition: InputDefinition | None = None
    serialised: bool = True
    """Whether it is part of the prompt."""
    nested: bool = False
    """Whether it belongs to the selected option of a dynamic combo."""


def widgets_of(node: Node, definition: NodeDefinition, overrides: Mapping[str, Any]) -> list[Widget]:
    """All widgets of a node with their values; `overrides` wins over what is saved."""
    values = node.values
    if is_object(values):
        # The frontend reads positions, and an object has none: every widget becomes undefined.
        return list(_assign(definition, _Reader([], overrides, blank=True), force=False))
    listed = as_list(values)
    reader = _Reader(listed, overrides, blank=False)
    widgets = list(_assign(definition, reader, force=False))
    forced = sum(1 for entry in definition.inputs if _is_forced_widget(entry))
    if forced and len(listed) == reader.position + forced:
        widgets = list(_assign(definition, _Reader(listed, overrides, blank=False), force=True))
    return widgets


def value_text(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A number as JavaScript writes it: 8.0 is 8, integers beyond 2^53 are rounded to a double."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e21 else value  # noqa: PLR2004 - where JavaScript begins exponents
    if isinstance(value, int):
        return int(float(value)) if abs(value) > 2**53 else value
    if is_list(value):
        return [value_text(item) for item in value]
    if is_object(value):
        return {key: value_text(item) for key, item in value.items()}
    return value


class _Reader:
    """Takes values from the list one after the other."""

    def __init__(self, values: list[Any], overrides: Mapping[str, Any], *, blank: bool) -> None:
        self.values = values
        self.overrides = overrides
        self.blank = blank
        self.position = 0

    def take(self) -> Any:  # noqa: ANN401
        value = self.values[self.position] if self.position < len(self.values) else ABSENT
        self.position += 1
        return value


def _assign(definition: NodeDefinition, reader: _Reader, *, force: bool) -> Iterator[Widget]:
    for entry in definition.inputs:
        yield from _widgets(entry, reader, prefix="", force=force)
    yield from _extra_widgets(definition, reader)


def _widgets(entry: InputDefinition, reader: _Reader, *, prefix: str, force: bool) -> Iterator[Widget]:
    kind = str(entry.options.get("widgetType") or entry.type)
    name = prefix + entry.name
    if entry.type == DYNAMIC_COMBO:
        yield from _dynamic_combo(entry, reader, name=name, force=force)
        return
    if kind not in WIDGET_TYPES:
        return
    if entry.options.get("forceInput") and not entry.options.get("socketless"):
        if force:
            reader.take()
        return
    saved = reader.take()
    value = reader.overrides[name] if name in reader.overrides else _initial(entry, kind, saved, blank=reader.blank)
    yield Widget(name, kind, value, entry, nested=bool(prefix), serialised=kind not in UNSERIALISED)
    yield from _followers(entry, kind, reader, nested=bool(prefix))


UNSERIALISED = frozenset({"IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "IMAGECOMPARE", "FILEUPLOAD"})


def _followers(entry: InputDefinition, kind: str, reader: _Reader, *, nested: bool) -> Iterator[Widget]:
    """Widgets that come with another one."""
    if kind == COMBO and any(entry.options.get(flag) for flag in UPLOAD_FLAGS):
        yield Widget("upload", "BUTTON", reader.take(), serialised=False)
    flagged = entry.options.get("control_after_generate")
    if kind == "INT" and (flagged if flagged is not None else (entry.name in SEED_NAMES and not nested)):
        yield Widget("control_after_generate", "CONTROL", reader.take(), serialised=False)
    elif kind == COMBO and flagged:
        yield Widget("control_after_generate", "CONTROL", reader.take(), serialised=False)
        yield Widget("control_filter_list", "CONTROL", reader.take(), serialised=False)


def _dynamic_combo(entry: InputDefinition, reader: _Reader, *, name: str, force: bool) -> Iterator[Widget]:
    options = objects(entry.options.get("options"))
    keys = [option.get("key") for option in options]
    saved = reader.take()
    value = (keys[0] if keys else ABSENT) if saved is ABSENT or saved is None else saved
    if reader.blank:
        value = ABSENT
    value = reader.overrides.get(name, value)
    yield Widget(name, COMBO, value, entry, nested="." in name)
    for key, option in zip(keys, options, strict=True):
        if key == value:
            for inner in input_definitions(option.get("inputs")):
                yield from _widgets(inner, reader, prefix=f"{name}.", force=force)
            return


def _extra_widgets(definition: NodeDefinition, reader: _Reader) -> Iterator[Widget]:
    """Widgets that frontend extensions add behind all others."""
    if any(entry.options.get("audio_upload") for entry in definition.inputs):
        yield Widget("audioUI", "AUDIO_UI", reader.take(), serialised=True)
        yield Widget("upload", "BUTTON", reader.take(), serialised=False)
    elif definition.class_type in {"SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "PreviewAudio"}:
        yield Widget("audioUI", "AUDIO_UI", reader.take(), serialised=True)


def _initial(entry: InputDefinition, kind: str, saved: Any, *, blank: bool) -> Any:  # noqa: ANN401
    if blank:
        return ABSENT
    if saved is ABSENT:
        return default_value(entry, kind)
    if saved is None and kind == COMBO:
        return entry.choices[0] if entry.choices else None
    if isinstance(saved, str) and kind == COMBO and entry.name == "sampler_name" and saved.startswith("sample_"):
        return saved.removeprefix("sample_")
    return saved


def default_value(entry: InputDefinition, kind: str) -> Any:  # noqa: ANN401
    """What a new node has there."""
    if "default" in entry.options:
        return entry.options["default"]
    if kind == COMBO:
        if entry.options.get("multiselect") or "multi_select" in entry.options:
            return []
        return entry.choices[0] if entry.choices else ABSENT
    return {"INT": 0, "FLOAT": 0, "STRING": "", "BOOLEAN": False}.get(kind, ABSENT)


def _is_forced_widget(entry: InputDefinition) -> bool:
    return bool(entry.options.get("forceInput")) and entry.type in WIDGET_TYPES
