"""Masks. Source: comfy_extras/nodes_mask.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, integer, masks_in, number, rgb, same_batch
from runner.stand_in.values import Array, Pictures, check_size

if TYPE_CHECKING:
    from runner.stand_in.node import Run

_CHANNELS = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
MAX_GROW = 1024
"""Steps of growing; more than any picture needs."""


def _solid(call: Call) -> Given:
    width, height = integer(call, "width", 1), integer(call, "height", 1)
    check_size(height, width)
    return Given((np.full((1, height, width), number(call, "value", 1.0), np.float32),))


def _invert(call: Call) -> Given:
    return Given((1 - masks_in(call, "mask"),))


def _crop(call: Call) -> Given:
    mask, x, y = masks_in(call, "mask"), integer(call, "x"), integer(call, "y")
    return Given((mask[:, y : y + integer(call, "height", 1), x : x + integer(call, "width", 1)],))


def _composite(call: Call) -> Given:
    below, above = masks_in(call, "destination"), masks_in(call, "source")
    x, y = integer(call, "x"), integer(call, "y")
    right, bottom = min(x + above.shape[2], below.shape[2]), min(y + above.shape[1], below.shape[1])
    if right <= x or bottom <= y:
        return Given((below,))
    above = same_batch(above, len(below))[:, : bottom - y, : right - x]
    result = below.copy()
    part = result[:, y:bottom, x:right]
    result[:, y:bottom, x:right] = _combined(part, above, str(call.inputs.get("operation")))
    return Given((result.clip(0, 1),))


def _combined(below: Array, above: Array, operation: str) -> Array:
    a, b = below.round().astype(bool), above.round().astype(bool)
    match operation:
        case "multiply":
            return below * above
        case "add":
            return below + above
        case "subtract":
            return below - above
        case "and":
            return (a & b).astype(np.float32)
        case "or":
            return (a | b).astype(np.float32)
        case "xor":
            return (a ^ b).astype(np.float32)
        case _:
            raise NodeError(f"there is no operation {operation!r}")


def _feather(call: Call) -> Given:
    mask = masks_in(call, "mask").copy()
    height, width = mask.shape[1:]
    for side, length in (("left", width), ("right", width), ("top", height), ("bottom", height)):
        reach = min(integer(call, side), length)
        if reach <= 0:
            continue
        ramp = ((np.arange(reach) + 1) / reach).astype(np.float32)
        # ComfyUI counts from the far edges with -0, -1, -2: its weakest weight lands on the opposite edge.
        far = -np.arange(reach)
        match side:
            case "left":
                mask[:, :, :reach] *= ramp
            case "right":
                mask[:, :, far] *= ramp
            case "top":
                mask[:, :reach, :] *= ramp[:, np.newaxis]
            case _:
                mask[:, far, :] *= ramp[:, np.newaxis]
    return Given((mask,))


def _grow(call: Call) -> Given:
    mask, expand = masks_in(call, "mask"), integer(call, "expand")
    corners = not call.inputs.get("tapered_corners", True)
    if abs(expand) > MAX_GROW:
        raise NodeError(f"the stand-in engine grows a mask by at most {MAX_GROW} pixels")
    choose = np.maximum if expand > 0 else np.minimum
    for step in range(abs(expand)):
        padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
        grown = mask
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if corners or dx == 0 or dy == 0:
                    grown = choose(grown, padded[:, 1 + dy : 1 + dy + mask.shape[1], 1 + dx : 1 + dx + mask.shape[2]])
        mask = grown
        call.tick(step + 1, abs(expand))
    return Given((mask,))


def _threshold(call: Call) -> Given:
    return Given(((masks_in(call, "mask") > number(call, "value", 0.5)).astype(np.float32),))


def _to_image(call: Call) -> Given:
    mask = masks_in(call, "mask")
    check_size(*mask.shape, 3)
    return Given((Pictures(np.repeat(mask[..., np.newaxis], 3, axis=-1)),))


def _from_image(call: Call) -> Given:
    image, channel = images_in(call, "image"), _CHANNELS.get(str(call.inputs.get("channel")), 0)
    if channel >= image.shape[-1]:
        raise NodeError(f"the picture has no channel {call.inputs.get('channel')!r}")
    return Given((np.ascontiguousarray(image[..., channel]),))


def _from_colour(call: Call) -> Given:
    image = (images_in(call, "image")[..., :3] * 255).clip(0, 255).round().astype(np.int64)
    wanted = np.array([round(part * 255) for part in rgb(integer(call, "color"))])
    return Given(((image == wanted).all(-1).astype(np.float32),))


NODES: dict[str, Run] = {
    "SolidMask": _solid,
    "InvertMask": _invert,
    "CropMask": _crop,
    "MaskComposite": _composite,
    "FeatherMask": _feather,
    "GrowMask": _grow,
    "ThresholdMask": _threshold,
    "MaskToImage": _to_image,
    "ImageToMask": _from_image,
    "ImageColorToMask": _from_colour,
}
