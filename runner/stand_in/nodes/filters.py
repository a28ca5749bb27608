"""Colours and shapes. Sources: comfy_extras/nodes_post_processing.py, nodes_morphology.py, nodes_dataset.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, integer, number
from runner.stand_in.values import Array, Pictures, pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run

MAX_KERNEL = 65
"""Pixels of a kernel's side; the work grows with it."""


def _quantize(call: Call) -> Given:
    dither = str(call.inputs.get("dither"))
    colours = integer(call, "colors", 256)
    return Given((pictures(np.stack([_fewer(image, colours, dither) for image in images_in(call, "image")])),))


def _fewer(image: Array, colours: int, dither: str) -> Array:
    picture = Image.fromarray((image[..., :3] * 255).clip(0, 255).astype(np.uint8))
    palette = picture.quantize(colors=colours)
    if dither.startswith("bayer-"):
        pixels = np.asarray(picture, np.float32)
        spread = 2 * 256 / max(1, len(palette.getpalette() or []) // 3)
        order = int(dither.removeprefix("bayer-"))
        tile = (spread * _bayer(order) + 0.5)[..., np.newaxis]
        repeats = (-(-pixels.shape[0] // order), -(-pixels.shape[1] // order), 1)
        pixels = pixels + np.tile(tile, repeats)[: pixels.shape[0], : pixels.shape[1]]
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    method = Image.Dither.FLOYDSTEINBERG if dither == "floyd-steinberg" else Image.Dither.NONE
    reduced = picture.quantize(palette=palette, dither=method).convert("RGB")
    return np.asarray(reduced, np.float32) / np.float32(255)


def _bayer(order: int) -> Array:
    """Thresholds around 0, (order, order)."""
    if order <= 1:
        return np.zeros((1, 1), np.float32)
    inner = _bayer(order // 2)
    area = np.float32(order * order)
    scaled = area * inner
    return np.block([[scaled - 1.5, scaled + 0.5], [scaled + 1.5, scaled - 0.5]]).astype(np.float32) / area


def _morphology(call: Call) -> Given:
    image, size = images_in(call, "image"), integer(call, "kernel_size", 3)
    if size > MAX_KERNEL:
        raise NodeError(f"the stand-in engine takes kernels of at most {MAX_KERNEL} pixels")
    match str(call.inputs.get("operation")):
        case "erode":
            result = _eroded(image, size)
        case "dilate":
            result = _dilated(image, size)
        case "open":
            result = _dilated(_eroded(image, size), size)
        case "close":
            result = _eroded(_dilated(image, size), size)
        case "gradient":
            result = _dilated(image, size) - _eroded(image, size)
        case "top_hat":
            result = image - _dilated(_eroded(image, size), size)
        case "bottom_hat":
            result = _eroded(_dilated(image, size), size) - image
        case other:
            raise NodeError(f"Invalid operation {other} for morphology")
    return Given((pictures(result),))


def _dilated(image: Array, size: int) -> Array:
    return -_eroded(-image, size)


def _eroded(image: Array, size: int) -> Array:
    """The least of a square around each pixel; outside of the picture nothing is less."""
    for axis in (1, 2):
        before = size // 2
        padding = [(before, size - 1 - before) if at == axis else (0, 0) for at in range(image.ndim)]
        padded = np.pad(image, padding, constant_values=np.inf)
        length = int(image.shape[axis])
        parts = (np.take(padded, np.arange(shift, shift + length), axis=axis) for shift in range(size))
        least = next(parts)
        for part in parts:
            least = np.minimum(least, part)
        image = least
    return image


def _to_yuv(call: Call) -> Given:
    """ITU-R BT.601 with both colour differences around a half, each channel as a grey picture."""
    image = images_in(call, "image")[..., :3]
    light = image @ np.array([0.299, 0.587, 0.114], np.float32)
    blue, red = (image[..., 2] - light) * 0.564 + 0.5, (image[..., 0] - light) * 0.713 + 0.5
    return Given(tuple(Pictures(np.repeat(part[..., np.newaxis], 3, axis=-1)) for part in (light, blue, red)))


def _from_yuv(call: Call) -> Given:
    light, blue, red = (images_in(call, name).mean(axis=-1) for name in ("Y", "U", "V"))
    blue, red = blue - 0.5, red - 0.5
    channels = (light + 1.403 * red, light - 0.714 * red - 0.344 * blue, light + 1.773 * blue)
    return Given((pictures(np.stack(channels, axis=-1)),))


def _brightness(call: Call) -> Given:
    return Given((pictures(images_in(call, "images") * number(call, "factor", 1.0)),))


def _contrast(call: Call) -> Given:
    image = images_in(call, "images")
    return Given((pictures((image - 0.5) * number(call, "factor", 1.0) + 0.5),))


NODES: dict[str, Run] = {
    "ImageQuantize": _quantize,
    "Morphology": _morphology,
    "ImageRGBToYUV": _to_yuv,
    "ImageYUVToRGB": _from_yuv,
    "AdjustBrightness": _brightness,
    "AdjustContrast": _contrast,
}
