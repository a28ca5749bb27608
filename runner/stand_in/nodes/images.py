"""Making, scaling, cutting and turning pictures.

Sources: nodes.py, comfy_extras/nodes_images.py, nodes_post_processing.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, integer, number, pictures_in, rgb, same_channels
from runner.stand_in.resample import proportional, scale, total_pixels
from runner.stand_in.values import Array, Pictures, check_size

if TYPE_CHECKING:
    from runner.stand_in.node import Run

_QUARTERS = {"none": 0, "90 degrees": 1, "180 degrees": 2, "270 degrees": 3}


def _empty(call: Call) -> Given:
    width, height, count = (integer(call, name, 1) for name in ("width", "height", "batch_size"))
    check_size(count, height, width, 3)
    colour = np.array(rgb(integer(call, "color")), np.float32)
    return Given((Pictures(np.broadcast_to(colour, (count, height, width, 3))),))


def _scaled(image: Pictures, width: int, height: int, method: str, crop: str = "disabled") -> Given:
    return Given((image.mapped(lambda batch: scale(batch, width, height, method, crop), width, height),))


def _scale(call: Call) -> Given:
    image = pictures_in(call, "image")
    width, height = integer(call, "width"), integer(call, "height")
    if width == height == 0:
        return Given((image,))
    width, height = proportional(width, height, image.width, image.height)
    return _scaled(image, width, height, str(call.inputs.get("upscale_method")), str(call.inputs.get("crop")))


def _scale_by(call: Call) -> Given:
    image, factor = pictures_in(call, "image"), number(call, "scale_by", 1.0)
    width, height = round(image.width * factor), round(image.height * factor)
    return _scaled(image, max(1, width), max(1, height), str(call.inputs.get("upscale_method")))


def _scale_to_pixels(call: Call) -> Given:
    image = pictures_in(call, "image")
    width, height = total_pixels(image.width, image.height, number(call, "megapixels", 1.0))
    step = max(1, integer(call, "resolution_steps", 1))
    width, height = (max(step, round(side / step) * step) for side in (width, height))
    return _scaled(image, width, height, str(call.inputs.get("upscale_method")))


def _crop(call: Call) -> Given:
    image = pictures_in(call, "image")
    x, y = min(integer(call, "x"), image.width - 1), min(integer(call, "y"), image.height - 1)
    right, bottom = min(image.width, x + integer(call, "width", 1)), min(image.height, y + integer(call, "height", 1))
    return Given((image.mapped(lambda batch: batch[:, y:bottom, x:right], right - x, bottom - y),))


def _flip(call: Call) -> Given:
    axis, image = 1 if str(call.inputs.get("flip_method")).startswith("x") else 2, pictures_in(call, "image")
    return Given((image.mapped(lambda batch: np.flip(batch, axis=axis), image.width, image.height),))


def _rotate(call: Call) -> Given:
    turns, image = _QUARTERS.get(str(call.inputs.get("rotation")), 0), pictures_in(call, "image")
    size = (image.height, image.width) if turns % 2 else (image.width, image.height)
    return Given((image.mapped(lambda batch: np.rot90(batch, k=turns, axes=(2, 1)), *size),))


def _batch(call: Call) -> Given:
    names = sorted((name for name in call.inputs if name.startswith("image")), key=lambda name: (len(name), name))
    found = [pictures_in(call, name) for name in names if call.inputs[name] is not None]
    if not found:
        raise NodeError("there is no picture")
    width, height = found[0].width, found[0].height
    same = [
        image.mapped(lambda batch: scale(batch, width, height, "bilinear", "center"), width, height) for image in found
    ]
    count = sum(map(len, same))
    if replace(found[0].facts, count=count).is_easy():
        arrays = [image.array() for image in same]
        channels = max(array.shape[-1] for array in arrays)
        return Given((Pictures(np.concatenate([same_channels(array, channels) for array in arrays])),))
    places = [(image, index) for image in same for index in range(len(image))]
    return Given((found[0].later(count, lambda at: places[at][0].frame(places[at][1])[..., :3], width, height),))


def _repeat(call: Call) -> Given:
    image = pictures_in(call, "image")
    facts = replace(image.facts, count=len(image) * integer(call, "amount", 1))
    return Given((Pictures(facts=facts, paint=lambda _, index: image.frame(index % len(image))),))


def _from_batch(call: Call) -> Given:
    image = pictures_in(call, "image")
    start = min(len(image) - 1, integer(call, "batch_index"))
    length = min(len(image) - start, integer(call, "length", 1))
    if image.made:
        return Given((Pictures(image.array()[start : start + length]),))
    return Given((image.later(length, lambda index: image.frame(start + index), image.width, image.height),))


def _pad(call: Call) -> Given:
    image = images_in(call, "image")
    left, top, right, bottom = (integer(call, side) for side in ("left", "top", "right", "bottom"))
    count, height, width, channels = image.shape
    check_size(count, height + top + bottom, width + left + right, channels)
    canvas = np.full((count, height + top + bottom, width + left + right, channels), 0.5, np.float32)
    canvas[:, top : top + height, left : left + width] = image
    mask = np.ones(canvas.shape[1:3], np.float32)
    mask[top : top + height, left : left + width] = _feathered(
        height, width, (left, top, right, bottom), integer(call, "feathering")
    )
    return Given((Pictures(canvas), mask[np.newaxis]))


def _feathered(height: int, width: int, sides: tuple[int, int, int, int], reach: int) -> Array:
    """0 inside, rising to 1 at the sides that something was added to."""
    if reach == 0 or reach * 2 >= height or reach * 2 >= width:
        return np.zeros((height, width), np.float32)
    left, top, right, bottom = sides
    rows, columns = np.arange(height), np.arange(width)
    down = np.minimum(rows if top else height, height - rows if bottom else height)
    across = np.minimum(columns if left else width, width - columns if right else width)
    distance = np.minimum(np.broadcast_to(down, (height,))[:, np.newaxis], np.broadcast_to(across, (width,)))
    part = np.where(distance < reach, (reach - distance) / reach, 0)
    return (part * part).astype(np.float32)


NODES: dict[str, Run] = {
    "EmptyImage": _empty,
    "ImageScale": _scale,
    "ImageScaleBy": _scale_by,
    "ImageScaleToTotalPixels": _scale_to_pixels,
    "ImageCrop": _crop,
    "ImageFlip": _flip,
    "ImageRotate": _rotate,
    "ImageBatch": _batch,
    "RepeatImageBatch": _repeat,
    "ImageFromBatch": _from_batch,
    "ImagePadForOutpaint": _pad,
}
