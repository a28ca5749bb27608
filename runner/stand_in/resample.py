"""Scaling as torch and ComfyUI do it: `comfy.utils.common_upscale`, `torch.nn.functional.interpolate`.

A scaled line is a weighted sum of few pixels of the line; which and how much is what the methods differ in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from runner.stand_in.errors import NodeError
from runner.stand_in.values import Array, check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Taps = tuple[NDArray[np.intp], NDArray[np.float32]]

CUBIC = -0.75
"""torch's coefficient; Pillow's is -0.5."""
_BATCH_RANK = 4


def scale(images: Array, width: int, height: int, method: str, crop: str = "disabled") -> Array:
    """A batch (batch, height, width, channels) in another size.

    Raises:
        NodeError: too large, or a method that there is not.
    """
    if crop == "center":
        images = _centred(images, width, height)
    if images.shape[1:3] == (height, width):
        return images
    check_size(len(images), height, width, images.shape[-1])
    if method == "lanczos":
        return np.stack([_lanczos(image, width, height) for image in images])
    taps = _METHODS.get(method)
    if taps is None:
        raise NodeError(f"there is no method {method!r}")
    axes = ((2, width), (1, height)) if height >= images.shape[1] else ((1, height), (2, width))  # the fewer rows first
    for axis, size in axes:
        images = _along(images, axis, taps(images.shape[axis], size))
    return images


def scale_masks(masks: Array, width: int, height: int) -> Array:
    """Bilinear, as masks are always scaled."""
    return scale(masks[..., np.newaxis], width, height, "bilinear")[..., 0]


def _along(images: Array, axis: int, taps: Taps) -> Array:
    indices, weights = taps
    shape = [1] * _BATCH_RANK
    shape[axis] = len(indices)

    def part(tap: int) -> Array:
        taken = np.take(images, indices[:, tap], axis=axis)
        taken *= weights[:, tap].reshape(shape)
        return taken

    result = part(0)
    for tap in range(1, indices.shape[1]):
        result += part(tap)
    return result


def _centred(images: Array, width: int, height: int) -> Array:
    old_height, old_width = images.shape[1:3]
    old, new = old_width / old_height, width / height
    x = round((old_width - old_width * (new / old)) / 2) if old > new else 0
    y = round((old_height - old_height * (old / new)) / 2) if old < new else 0
    return images[:, y : old_height - y, x : old_width - x]


def _lanczos(image: Array, width: int, height: int) -> Array:
    picture = Image.fromarray(np.squeeze((image * 255).clip(0, 255).astype(np.uint8)))
    scaled = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float32) / np.float32(255)
    return scaled.reshape(height, width, image.shape[-1])


def _positions(old: int, new: int) -> NDArray[np.float64]:
    return (np.arange(new, dtype=np.float64) + 0.5) * (old / new) - 0.5


def _nearest(old: int, new: int) -> Taps:
    nearest = np.floor((np.arange(new) + 0.5) * (old / new)).astype(np.intp).clip(0, old - 1)
    return nearest[:, np.newaxis], np.ones((new, 1), np.float32)


def _bilinear(old: int, new: int) -> Taps:
    position = _positions(old, new).clip(0, None)
    low = np.floor(position).astype(np.intp).clip(0, old - 1)
    part = (position - low).astype(np.float32)
    return np.stack([low, (low + 1).clip(0, old - 1)], 1), np.stack([1 - part, part], 1)


def _bicubic(old: int, new: int) -> Taps:
    position = _positions(old, new)
    low = np.floor(position).astype(np.intp)
    part = position - low
    distances = np.stack([part + 1, part, 1 - part, 2 - part], 1)
    near = ((CUBIC + 2) * distances - (CUBIC + 3)) * distances * distances + 1
    far = ((CUBIC * distances - 5 * CUBIC) * distances + 8 * CUBIC) * distances - 4 * CUBIC
    indices = (low[:, np.newaxis] + np.arange(-1, 3)).clip(0, old - 1)
    return indices, np.where(distances <= 1, near, far).astype(np.float32)


def _area(old: int, new: int) -> Taps:
    """Adaptive average pooling: every output pixel is the mean of the input pixels it touches."""
    starts = np.arange(new) * old // new
    ends = -(-(np.arange(1, new + 1) * old) // new)
    counts = ends - starts
    widest = int(counts.max())
    within = np.arange(widest)
    indices = (starts[:, np.newaxis] + within).clip(0, old - 1)
    weights = np.where(within < counts[:, np.newaxis], 1 / counts[:, np.newaxis], 0).astype(np.float32)
    return indices.astype(np.intp), weights


_METHODS = {"nearest-exact": _nearest, "bilinear": _bilinear, "bicubic": _bicubic, "area": _area}


def proportional(width: int, height: int, old_width: int, old_height: int) -> tuple[int, int]:
    """A side of 0 follows the other, as in ImageScale."""
    if width == 0:
        width = max(1, round(old_width * height / old_height))
    elif height == 0:
        height = max(1, round(old_height * width / old_width))
    return width, height


def total_pixels(old_width: int, old_height: int, megapixels: float) -> tuple[int, int]:
    """The size with that many times 1024² pixels."""
    factor = math.sqrt(megapixels * 1024 * 1024 / (old_width * old_height))
    return max(1, round(old_width * factor)), max(1, round(old_height * factor))
