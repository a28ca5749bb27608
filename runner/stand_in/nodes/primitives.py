"""Primitives, switches and sizes. Sources: comfy_extras/nodes_primitive.py, nodes_logic.py, nodes_images.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.values import Pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run


def _value(call: Call) -> Given:
    return Given((call.inputs.get("value"),))


def _choice(call: Call) -> Given:
    return Given((call.inputs.get("choice"), call.inputs.get("index", 0)))


def _switch(call: Call) -> Given:
    return Given((call.inputs.get("on_true" if call.inputs.get("switch") else "on_false"),))


def _image_size(call: Call) -> Given:
    image = call.inputs.get("image")
    if not isinstance(image, Pictures):
        raise NodeError("the input `image` holds no picture")
    return Given((image.width, image.height, len(image)), {"text": [f"width: {image.width}, height: {image.height}"]})


NODES: dict[str, Run] = {
    "PrimitiveInt": _value,
    "PrimitiveFloat": _value,
    "PrimitiveString": _value,
    "PrimitiveStringMultiline": _value,
    "PrimitiveBoolean": _value,
    "CustomCombo": _choice,
    "ComfySwitchNode": _switch,
    "GetImageSize": _image_size,
}
