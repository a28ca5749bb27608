"""Putting pictures together. Sources: comfy_extras/nodes_mask.py, nodes_compositing.py, nodes_images.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, integer, masks_in, same_batch, same_channels
from runner.stand_in.resample import scale, scale_masks
from runner.stand_in.values import Array, Pictures, check_size, pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run

_COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


def _composite(call: Call) -> Given:
    below, above = images_in(call, "destination"), images_in(call, "source")
    above = same_channels(above, below.shape[-1])
    if call.inputs.get("resize_source"):
        above = scale(above, below.shape[2], below.shape[1], "bilinear")
    above = same_batch(above, len(below))
    mask = masks_in(call, "mask") if call.inputs.get("mask") is not None else None
    result = paste(below, above, integer(call, "x"), integer(call, "y"), mask)
    return Given((Pictures(result),))


def paste(below: Array, above: Array, x: int, y: int, mask: Array | None) -> Array:
    """`above` over `below` at a place, as far as it shows; the mask is scaled to `above`."""
    height, width = above.shape[1:3]
    x, y = max(-width, min(x, below.shape[2])), max(-height, min(y, below.shape[1]))
    left, top = max(0, x), max(0, y)
    right, bottom = min(below.shape[2], x + width), min(below.shape[1], y + height)
    if right <= left or bottom <= top:
        return below
    if mask is None:
        part = np.ones((len(below), height, width), np.float32)
    else:
        part = same_batch(scale_masks(mask, width, height), len(below))
    seen = (slice(None), slice(top - y, bottom - y), slice(left - x, right - x))
    weight, result = part[seen][..., np.newaxis], below.copy()
    result[:, top:bottom, left:right] = weight * above[seen] + (1 - weight) * below[:, top:bottom, left:right]
    return result


def _stitch(call: Call) -> Given:
    first = images_in(call, "image1")
    if call.inputs.get("image2") is None:
        return Given((Pictures(first),))
    second = images_in(call, "image2")
    count, channels = max(len(first), len(second)), max(first.shape[-1], second.shape[-1])
    first, second = (same_batch(same_channels(image, channels), count) for image in (first, second))
    direction = str(call.inputs.get("direction", "right"))
    beside = direction in {"left", "right"}
    along = 2 if beside else 1
    if call.inputs.get("match_image_size", True):
        second = _matched(second, first, beside=beside)
    across = max(first.shape[3 - along], second.shape[3 - along])
    colour = _COLOURS.get(str(call.inputs.get("spacing_color")), (1.0, 1.0, 1.0))
    first, second = (_padded(image, 3 - along, across) for image in (first, second))
    parts = [first, second] if direction in {"right", "down"} else [second, first]
    if gap := integer(call, "spacing_width"):
        gap += gap % 2
        space = np.ones((*first.shape[:along], gap, *first.shape[along + 1 :]), np.float32)
        space[..., :3] = colour
        parts.insert(1, space)
    check_size(count, sum(part.shape[along] for part in parts), across, channels)
    return Given((pictures(np.concatenate(parts, axis=along)),))


def _matched(image: Array, other: Array, *, beside: bool) -> Array:
    height, width = image.shape[1:3]
    if beside:
        return scale(image, max(1, int(other.shape[1] * width / height)), other.shape[1], "lanczos")
    return scale(image, other.shape[2], max(1, int(other.shape[2] * height / width)), "lanczos")


def _padded(image: Array, axis: int, length: int) -> Array:
    """Centred, with black around."""
    missing = length - image.shape[axis]
    if missing <= 0:
        return image
    padding = [(missing // 2, missing - missing // 2) if at == axis else (0, 0) for at in range(image.ndim)]
    return np.pad(image, padding)


def _join_alpha(call: Call) -> Given:
    image, alpha = images_in(call, "image"), masks_in(call, "alpha")
    count = max(len(image), len(alpha))
    opacity = 1 - scale_masks(alpha, image.shape[2], image.shape[1])
    image, opacity = same_batch(image, count)[..., :3], same_batch(opacity, count)
    return Given((Pictures(np.concatenate([image, opacity[..., np.newaxis]], axis=-1)),))


def _split_alpha(call: Call) -> Given:
    image = images_in(call, "image")
    alpha = image[..., 3] if image.shape[-1] > 3 else np.ones(image.shape[:3], np.float32)  # noqa: PLR2004 - RGBA
    return Given((Pictures(image[..., :3]), 1 - alpha))


NODES: dict[str, Run] = {
    "ImageCompositeMasked": _composite,
    "ImageStitch": _stitch,
    "JoinImageWithAlpha": _join_alpha,
    "SplitImageWithAlpha": _split_alpha,
}
