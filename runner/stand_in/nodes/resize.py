"""Nodes that choose a size. Sources: comfy_extras/nodes_images.py, nodes_flux.py, nodes_post_processing.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from runner.stand_in.errors import NeedsModel, NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import integer, number, pictures_in
from runner.stand_in.resample import proportional, scale, total_pixels
from runner.stand_in.values import Array, Opaque, Pictures, facts_of

if TYPE_CHECKING:
    from runner.stand_in.node import Run

KONTEXT_WIDTHS = (672, 688, 720, 752, 800, 832, 880, 944, 1024, 1104, 1184, 1248, 1328, 1392, 1456, 1504, 1568)
"""The widths that Flux Kontext was trained on; its heights are the same numbers in the opposite order."""


def _longest(call: Call) -> Given:
    image, largest = pictures_in(call, "image"), integer(call, "largest_size")
    factor = largest / max(image.width, image.height)
    size = _to_edge(image.width, image.height, factor, largest, longest=True)
    return _scaled(image, *_positive(*size), str(call.inputs.get("upscale_method")))


def _scaled(image: Pictures, width: int, height: int, method: str, crop: str = "disabled") -> Given:
    return Given((image.mapped(lambda batch: scale(batch, width, height, method, crop), width, height),))


def _pad(call: Call) -> Given:
    image = pictures_in(call, "image")
    width, height = integer(call, "target_width", 1), integer(call, "target_height", 1)
    factor = min(width / image.width, height / image.height)
    inner = _positive(int(image.width * factor), int(image.height * factor))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    background = float(call.inputs.get("padding_color") != "black")

    def padded(batch: Array) -> Array:
        canvas = np.full((len(batch), height, width, batch.shape[-1]), background, np.float32)
        scaled = scale(batch, *inner, str(call.inputs.get("interpolation")))
        canvas[:, top : top + inner[1], left : left + inner[0]] = scaled
        return canvas

    return Given((image.mapped(padded, width, height),))


def _kontext(call: Call) -> Given:
    image = pictures_in(call, "image")
    aspect = image.width / image.height
    sizes = zip(KONTEXT_WIDTHS, reversed(KONTEXT_WIDTHS), strict=True)
    _, width, height = min((abs(aspect - width / height), width, height) for width, height in sizes)
    return _scaled(image, width, height, "lanczos", "center")


def _resize(call: Call) -> Given:
    """A picture or a mask, by one of many rules; the rule's own inputs are named `resize_type.…`."""
    given = call.inputs.get("input")
    if isinstance(given, Opaque):
        raise NeedsModel("input")
    if isinstance(given, Pictures):
        width, height = _size(call, given.width, given.height)
        return Given((given.mapped(lambda batch: _resized(call, batch), width, height),))
    if not isinstance(given, np.ndarray):
        raise NodeError("the input `input` holds neither a picture nor a mask")
    return Given((_resized(call, cast("Array", given)[..., np.newaxis])[..., 0].clip(0, 1),))


def _size(call: Call, width: int, height: int) -> tuple[int, int]:
    rule = str(call.inputs.get("resize_type"))
    if rule != "scale to multiple":
        return _positive(*_wanted(call, rule, width, height))
    multiple = max(1, integer(call, "resize_type.multiple", 1))
    smaller = width // multiple * multiple, height // multiple * multiple
    return smaller if all(smaller) else (width, height)


def _resized(call: Call, image: Array) -> Array:
    rule, method = str(call.inputs.get("resize_type")), str(call.inputs.get("scale_method"))
    if rule == "scale to multiple":
        return _covering(image, integer(call, "resize_type.multiple", 1), method)
    width, height = _wanted(call, rule, image.shape[2], image.shape[1])
    crop = str(call.inputs.get("resize_type.crop", "disabled")) if rule in {"scale dimensions", "match size"} else ""
    return scale(image, *_positive(width, height), method, crop)


def _wanted(call: Call, rule: str, width: int, height: int) -> tuple[int, int]:  # noqa: C901, PLR0911 - a table
    def option(name: str) -> float:
        return number(call, f"resize_type.{name}")

    match rule:
        case "scale dimensions":
            wanted = int(option("width")), int(option("height"))
            return (width, height) if wanted == (0, 0) else proportional(*wanted, width, height)
        case "scale by multiplier":
            return round(width * option("multiplier")), round(height * option("multiplier"))
        case "scale longer dimension":
            longer = option("longer_size")
            return _to_edge(width, height, longer / max(width, height), int(longer), longest=True)
        case "scale shorter dimension":
            shorter = option("shorter_size")
            return _to_edge(width, height, shorter / min(width, height), int(shorter), longest=False)
        case "scale width":
            return proportional(int(option("width")), 0, width, height)
        case "scale height":
            return proportional(0, int(option("height")), width, height)
        case "scale total pixels":
            return total_pixels(width, height, option("megapixels"))
        case "match size":
            facts = facts_of(call.inputs.get("resize_type.match"))
            if facts is None:
                raise NodeError("there is no picture or mask whose size to match")
            return facts.width, facts.height
        case _:
            raise NodeError(f"Unsupported resize type: {rule}")


def _to_edge(width: int, height: int, factor: float, edge: int, *, longest: bool) -> tuple[int, int]:
    if (width >= height) is longest:
        return edge, round(height * factor)
    return round(width * factor), edge


def _covering(image: Array, multiple: int, method: str) -> Array:
    """Scaled down to cover the next smaller size that is divisible, then cut to it."""
    old_height, old_width = image.shape[1:3]
    width, height = (side // multiple * multiple for side in (old_width, old_height))
    if multiple <= 1 or width == 0 or height == 0 or (width, height) == (old_width, old_height):
        return image
    factor = max(width / old_width, height / old_height)
    inner = max(width, math.ceil(old_width * factor)), max(height, math.ceil(old_height * factor))
    scaled = scale(image, *inner, method)
    left, top = (inner[0] - width) // 2, (inner[1] - height) // 2
    return scaled[:, top : top + height, left : left + width]


def _positive(width: int, height: int) -> tuple[int, int]:
    return max(1, width), max(1, height)


NODES: dict[str, Run] = {
    "ImageScaleToMaxDimension": _longest,
    "ResizeAndPadImage": _pad,
    "FluxKontextImageScale": _kontext,
    "ResizeImageMaskNode": _resize,
}
