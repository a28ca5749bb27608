"""Primitives, logic and sizes.

Sources: comfy_extras/nodes_primitive.py, nodes_logic.py, nodes_number_convert.py, nodes_images.py, nodes_toolkit.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.stand_in.errors import NeedsModel, NodeError
from runner.stand_in.lists import Listed, single
from runner.stand_in.media import WORD
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import integer, pictures_in
from runner.stand_in.values import Pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run


def _value(call: Call) -> Given:
    return Given((call.inputs.get("value"),))


def _choice(call: Call) -> Given:
    return Given((call.inputs.get("choice"), call.inputs.get("index", 0)))


def _switch(call: Call) -> Given:
    """With one side only, that is given whatever the switch says."""
    sides = [side for side in ("on_true", "on_false") if side in call.inputs]
    if not sides:
        raise NodeError("At least one of on_false or on_true must be connected to Switch node")
    wanted = "on_true" if call.inputs.get("switch") else "on_false"
    return Given((call.inputs[wanted if wanted in sides else sides[0]],))


def _grown(call: Call, group: str) -> list[Any]:
    return [value for name, value in call.inputs.items() if name.startswith(f"{group}.")]


def _converted(call: Call) -> Given:
    """Text is read as a number, true is 1."""
    value = call.inputs.get("value")
    if isinstance(value, str) and value.startswith(WORD):
        raise NeedsModel("value")
    try:
        as_float = float(value.strip() if isinstance(value, str) else value)  # pyright: ignore[reportArgumentType] - a TypeError is meant
        whole = value if isinstance(value, int) else int(as_float)
    except (TypeError, ValueError, OverflowError) as error:
        raise NodeError(f"Cannot convert to a number: {error}") from None
    return Given((as_float, int(whole)))


def _list(call: Call) -> Given:
    return Given((Listed(tuple(_grown(call, "inputs"))),))


def _rebatch(call: Call) -> Given:
    """Takes the whole list, and gives one of batches of that size."""
    given, size = call.inputs.get("images"), max(1, int(single(call.inputs.get("batch_size")) or 1))
    items = given.items if isinstance(given, Listed) else (given,)
    images = [item for item in items if isinstance(item, Pictures)]
    if len(images) < len(items):
        raise NeedsModel("images")
    places = [(image, index) for image in images for index in range(len(image))]

    def batch(start: int) -> Pictures:
        part = places[start : start + size]
        first = part[0][0]
        return first.later(len(part), lambda at: part[at][0].frame(part[at][1]), first.width, first.height)

    return Given((Listed(tuple(batch(start) for start in range(0, len(places), size))),))


def _box(call: Call) -> Given:
    return Given(({side: integer(call, side) for side in ("x", "y", "width", "height")},))


def _image_size(call: Call) -> Given:
    image = pictures_in(call, "image")
    return Given((image.width, image.height, len(image)), {"text": [f"width: {image.width}, height: {image.height}"]})


NODES: dict[str, Run] = {
    "PrimitiveInt": _value,
    "PrimitiveFloat": _value,
    "PrimitiveString": _value,
    "PrimitiveStringMultiline": _value,
    "PrimitiveBoolean": _value,
    "CustomCombo": _choice,
    "ComfySwitchNode": _switch,
    "ComfyAndNode": lambda call: Given((all(_grown(call, "values")),)),
    "ComfyOrNode": lambda call: Given((any(_grown(call, "values")),)),
    "ComfyNotNode": lambda call: Given((not call.inputs.get("value"),)),
    "ComfyNumberConvert": _converted,
    "CreateList": _list,
    "RebatchImages": _rebatch,
    "PrimitiveBoundingBox": _box,
    "SeedNode": lambda call: Given((call.inputs.get("seed"),)),
    "GetImageSize": _image_size,
}
