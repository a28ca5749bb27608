"""Changing the pixels of pictures. Sources: nodes.py, comfy_extras/nodes_post_processing.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, integer, number, pictures_in, same_batch, same_channels
from runner.stand_in.resample import scale
from runner.stand_in.values import Array, pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run


def _invert(call: Call) -> Given:
    image = pictures_in(call, "image")
    return Given((image.mapped(lambda batch: 1 - batch, image.width, image.height),))


def _blend(call: Call) -> Given:
    first, second = images_in(call, "image1"), images_in(call, "image2")
    second = scale(same_channels(second, first.shape[-1]), first.shape[2], first.shape[1], "bicubic", "center")
    second = same_batch(second, len(first))
    factor = number(call, "blend_factor", 0.5)
    mixed = _mixed(first, second, str(call.inputs.get("blend_mode")))
    return Given((pictures((first * (1 - factor) + mixed * factor).astype(np.float32)),))


def _mixed(below: Array, above: Array, mode: str) -> Array:
    match mode:
        case "normal":
            return above
        case "multiply":
            return below * above
        case "screen":
            return 1 - (1 - below) * (1 - above)
        case "overlay":
            return np.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))  # noqa: PLR2004 - half
        case "soft_light":
            lighter = below + (2 * above - 1) * (_curve(below) - below)
            return np.where(above <= 0.5, below - (1 - 2 * above) * below * (1 - below), lighter)  # noqa: PLR2004
        case "difference":
            return below - above
        case _:
            raise NodeError(f"Unsupported blend mode: {mode}")


def _curve(value: Array) -> Array:
    return np.where(value <= 0.25, ((16 * value - 12) * value + 4) * value, np.sqrt(np.maximum(value, 0)))  # noqa: PLR2004


def _blur(call: Call) -> Given:
    image = images_in(call, "image")
    return Given((pictures(_blurred(image, integer(call, "blur_radius", 1), number(call, "sigma", 1.0))),))


def _sharpen(call: Call) -> Given:
    image = images_in(call, "image")
    amount = number(call, "alpha", 1.0) * 10
    soft = _blurred(image, integer(call, "sharpen_radius", 1), number(call, "sigma", 1.0))
    return Given((pictures(((1 + amount) * image - amount * soft).astype(np.float32)),))


def _blurred(image: Array, radius: int, sigma: float) -> Array:
    """Sigma is in units of the radius: the kernel is a Gaussian over -1 to 1."""
    if radius == 0:
        return image
    position = np.linspace(-1, 1, 2 * radius + 1)
    kernel = np.exp(-(position * position) / (2 * sigma * sigma))
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (1, 2):
        image = _blurred_along(image, axis, kernel)
    return image


def _blurred_along(image: Array, axis: int, kernel: Array) -> Array:
    radius, length = len(kernel) // 2, int(image.shape[axis])
    padding = tuple((radius, radius) if at == axis else (0, 0) for at in range(image.ndim))
    padded = np.pad(image, padding, mode="reflect")
    result: Array = np.zeros(image.shape, np.float32)
    for offset in range(len(kernel)):
        shifted: Array = np.take(padded, np.arange(offset, offset + length), axis=axis)
        result += shifted * kernel[offset]
    return result


NODES: dict[str, Run] = {"ImageInvert": _invert, "ImageBlend": _blend, "ImageBlur": _blur, "ImageSharpen": _sharpen}
