"""Which widgets a node has, in which order, and which saved value belongs to which.

`widgets_values` is positional over the node's widgets in the order of its definition. What takes a place there without
being an input (upload buttons, "control after generate") is known only from the frontend's own rules, collected here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegen.catalog import COMBO, InputDefinition, NodeDefinition
from codegen.convert.dynamic import DYNAMIC_COMBO, first_key, growing_widgets, inputs_of_option
from codegen.json_values import as_list, as_object, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.convert.graph import Node
    from codegen.model import JsonObject

WIDGET_TYPES = frozenset(
    {
        "INT", "FLOAT", "STRING", "BOOLEAN", COMBO, "COLOR", "COLORS", "CURVE", "RANGE", "BOUNDING_BOX",
        "BOUNDING_BOXES", "MARKDOWN", "TEXTAREA", "IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "AUDIO_RECORD", "WEBCAM",
        "LOAD_3D", "LOAD_3D_ANIMATION", "LOAD3D", "PREVIEW_3D", "PREVIEW_3D_ANIMATION", "PAINTER", "IMAGECOMPARE",
        "FILEUPLOAD", "CHART", "GALLERIA", "TREESELECT", "MULTISELECT", "SELECTBUTTON", "IMAGECROP", "COMPOSITOR",
    }
)  # fmt: skip
"""Types for which the frontend makes a widget (ComfyUI_frontend, src/scripts/widgets.ts and the widget registry)."""

UPLOAD_FLAGS = ("image_upload", "animated_image_upload", "video_upload")
"""Options of a required combo that add an upload button behind all required inputs (extensions/core/uploadImage.ts)."""
UNSERIALISED = frozenset({"IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "FILEUPLOAD"})
SEED_NAMES = frozenset({"seed", "noise_seed"})
ABSENT: Any = object()
"""JavaScript's `undefined`: a value that is not there, and is left out of the prompt."""


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
    raw: bool = False
    """Whether a host gives the value, which is then sent as it is."""

    @property
    def is_dynamic_combo(self) -> bool:
        """Whether it decides which other widgets there are."""
        return self.definition is not None and self.definition.type == DYNAMIC_COMBO

    @property
    def options(self) -> JsonObject:
        """As declared."""
        return self.definition.options if self.definition is not None else {}


def widgets_of(node: Node, definition: NodeDefinition) -> list[Widget]:
    """All widgets of a node with their saved values."""
    if is_object(node.values):
        # The frontend reads positions, and an object has none: every widget becomes undefined. Packs whose nodes save
        # objects (such as VideoHelperSuite) read them by name themselves.
        by_name = node.values if definition.python_module.startswith(PACK_MODULES) else None
        return list(_assign(node, definition, _Reader([], blank=by_name is None, by_name=by_name), force=False))
    listed = as_list(node.values)
    reader = _Reader(listed)
    widgets = list(_assign(node, definition, reader, force=False))
    forced = sum(1 for entry in definition.inputs if _is_forced_widget(entry))
    if forced and len(listed) == reader.position + forced:
        widgets = list(_assign(node, definition, _Reader(listed), force=True))
    if node.type in SAMPLERS:
        _repair_sampler(widgets)
    return widgets


SAMPLERS = frozenset({"KSampler", "KSamplerAdvanced"})


def _repair_sampler(widgets: list[Widget]) -> None:
    """Samplers of the first versions were named `sample_euler`."""
    for widget in widgets:
        if widget.name == "sampler_name" and isinstance(widget.value, str):
            widget.value = widget.value.removeprefix("sample_")


PACK_MODULES = "custom_nodes."
"""How the modules of packs begin, in a server's answer."""


class _Reader:
    """Takes values from the list one after the other, or by name."""

    def __init__(self, values: list[Any], *, blank: bool = False, by_name: JsonObject | None = None) -> None:
        self.values = values
        self.blank = blank
        self.by_name = by_name
        self.position = 0

    def take(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        if self.by_name is not None:
            return self.by_name.get(name, ABSENT)
        value = self.values[self.position] if self.position < len(self.values) else ABSENT
        self.position += 1
        return value


def _assign(node: Node, definition: NodeDefinition, reader: _Reader, *, force: bool) -> Iterator[Widget]:
    # Groups that grow put their first widgets in front of all others, and the later ones behind them.
    groups = [grown for entry in definition.inputs if (grown := growing_widgets(entry)) is not None]
    sockets = {socket.name for socket in node.inputs}
    for group in groups:
        for entry in group.first:
            yield from _widgets(entry, reader, prefix="", force=force)
    required = [entry for entry in definition.inputs if entry.required]
    loads = definition.input(MODEL_FILE) is not None
    for entry in required:
        yield from _widgets(entry, reader, prefix="", force=force, buttons=loads)
    yield from _extension_widgets(definition, required, reader)
    for entry in definition.inputs:
        if not entry.required:
            yield from _widgets(entry, reader, prefix="", force=force)
    for group in groups:
        for entry in group.later:
            if entry.name in sockets:
                yield from _widgets(entry, reader, prefix="", force=force)


def _widgets(
    entry: InputDefinition, reader: _Reader, *, prefix: str, force: bool, buttons: bool = False
) -> Iterator[Widget]:
    kind = str(entry.options.get("widgetType") or entry.type)
    name = prefix + entry.name
    if entry.type == DYNAMIC_COMBO:
        yield from _dynamic_combo(entry, reader, name=name, force=force)
        return
    if kind not in WIDGET_TYPES:
        return
    if entry.options.get("forceInput"):
        if force:
            reader.take(name)
        return
    if kind == LOAD_3D and buttons:
        for label, text in LOAD_3D_BUTTONS:
            saved = reader.take(label)
            yield Widget(label, "BUTTON", text if saved is ABSENT else saved)
    value = _initial(entry, kind, reader.take(name), blank=reader.blank)
    if kind == LOAD_3D and not buttons and not is_object(value):
        value = VIEWPORT
    yield Widget(name, kind, value, entry, nested=bool(prefix), serialised=kind not in UNSERIALISED)
    yield from _followers(entry, kind, reader, nested=bool(prefix))


LOAD_3D = "LOAD_3D"
LOAD_3D_BUTTONS = (
    ("upload 3d model", "upload3dmodel"),
    ("upload extra resources", "uploadExtraResources"),
    ("clear", "clear"),
)
"""In front of the scene of a node that loads one (extensions/core/load3d.ts). The frontend sends their values, and the
server ignores them."""
MODEL_FILE = "model_file"
VIEWPORT: JsonObject = {
    "image": "",
    "mask": "",
    "normal": "",
    "camera_info": {
        "position": {"x": 10, "y": 10, "z": 10},
        "target": {"x": 0, "y": 0, "z": 0},
        "zoom": 1,
        "cameraType": "perspective",
        "quaternion": {"x": -0.279848142333, "y": 0.364705199631, "z": 0.115916895896, "w": 0.880476239217},
        "fov": 35,
        "aspect": 1,
        "near": 0.01,
        "far": 10000,
        "frustum": {"left": -5, "right": 5, "top": 5, "bottom": -5},
    },
    "recording": "",
    "model_3d_info": [],
}
"""A scene nobody has moved yet. The frontend renders it in the browser, and sends where the camera stands."""
BOUNDING_BOX = "BOUNDING_BOX"
BOX_PARTS = ("x", "y", "width", "height")


def _followers(entry: InputDefinition, kind: str, reader: _Reader, *, nested: bool) -> Iterator[Widget]:
    """Widgets that come with another one."""
    if kind == BOUNDING_BOX:
        for part in BOX_PARTS:
            yield _silent(part, "INT", reader)
    flagged = entry.options.get("control_after_generate")
    if kind == "INT" and (flagged if flagged is not None else (entry.name in SEED_NAMES and not nested)):
        yield _silent("control_after_generate", "CONTROL", reader)
    elif kind == COMBO and flagged:
        yield _silent("control_after_generate", "CONTROL", reader)
        yield _silent("control_filter_list", "CONTROL", reader)
    if kind == COMBO and as_object(entry.options.get("remote")).get("refresh_button"):
        reader.take("refresh")
        yield Widget("refresh", "BUTTON", "refresh")


def _silent(name: str, kind: str, reader: _Reader) -> Widget:
    """A widget that has a place among the values and is no input."""
    return Widget(name, kind, reader.take(name), serialised=False)


def _dynamic_combo(entry: InputDefinition, reader: _Reader, *, name: str, force: bool) -> Iterator[Widget]:
    saved = reader.take(name)
    empty = saved is ABSENT or saved is None
    value = first_key(entry) if empty else saved
    yield Widget(name, COMBO, value, entry, nested="." in name)
    # While the values are given out an empty one has no inputs; only then does it become the first option.
    inside = _Reader([]) if empty else reader
    for inner in inputs_of_option(entry, value):
        yield from _widgets(inner, inside, prefix=f"{name}.", force=force)


def _extension_widgets(
    definition: NodeDefinition, required: list[InputDefinition], reader: _Reader
) -> Iterator[Widget]:
    """Widgets that frontend extensions add behind the required ones."""
    if any(entry.type == COMBO and any(map(entry.options.get, UPLOAD_FLAGS)) for entry in required):
        yield _silent("upload", "BUTTON", reader)
    if any(entry.options.get("audio_upload") for entry in required):
        yield _silent("audioUI", "AUDIO_UI", reader)
        yield _silent("upload", "BUTTON", reader)
    elif definition.class_type in AUDIO_PLAYERS:
        yield _silent("audioUI", "AUDIO_UI", reader)
    if definition.class_type in SCENE_VIEWERS:
        reader.take("image")
        yield Widget("image", "PREVIEW_3D", "")


SCENE_VIEWERS = frozenset({"SaveGLB", "Preview3D"})
"""Classes with a scene that the server does not know of (extensions/core/saveMesh.ts and load3d.ts)."""
AUDIO_PLAYERS = frozenset({"SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "PreviewAudio"})
"""Classes with a player of their own (extensions/core/uploadAudio.ts)."""


def _initial(entry: InputDefinition, kind: str, saved: Any, *, blank: bool) -> Any:  # noqa: ANN401 - any JSON value
    if kind == "IMAGECOMPARE":
        return ["", ""]
    multiline = kind == "STRING" and bool(entry.options.get("multiline"))
    if blank:
        # A box of text is an element of the page, and makes a text of JavaScript's undefined.
        return "undefined" if multiline else entry.choices[0] if kind == COMBO and entry.choices else ABSENT
    if saved is ABSENT:
        return default_value(entry, kind)
    if saved is None:
        return first_choice(entry) if kind == COMBO else "" if multiline else None
    return saved


def first_choice(entry: InputDefinition) -> Any:  # noqa: ANN401
    """What a combo shows that holds nothing."""
    return entry.choices[0] if entry.choices else None


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
