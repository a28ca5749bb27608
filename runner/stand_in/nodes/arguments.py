"""Reading a node's inputs. They come from a prompt: a wrong one ends the node, not the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from runner.stand_in.errors import NeedsModel, NodeError
from runner.stand_in.values import Array, Clip, Opaque, Pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Call

_RGB = 3


def pictures_in(call: Call, name: str) -> Pictures:
    """An IMAGE.

    Raises:
        NodeError: it is none.
        NeedsModel: a model would have made one of it.
    """
    value = call.inputs.get(name)
    if not isinstance(value, Pictures):
        raise _lacks(name, "picture", value)
    return value


def clip_in(call: Call, name: str) -> Clip:
    """A VIDEO.

    Raises:
        NodeError: it is none.
        NeedsModel: a model would have made one of it.
    """
    value = call.inputs.get(name)
    if not isinstance(value, Clip):
        raise _lacks(name, "video", value)
    return value


def _lacks(name: str, what: str, value: object) -> NodeError | NeedsModel:
    return NeedsModel(name) if isinstance(value, Opaque) else NodeError(f"the input `{name}` holds no {what}")


def images_in(call: Call, name: str) -> Array:
    """An IMAGE as numbers, (batch, height, width, channels)."""
    return pictures_in(call, name).array()


def masks_in(call: Call, name: str) -> Array:
    """A MASK as numbers, (batch, height, width).

    Raises:
        NodeError: it is none.
        NeedsModel: a model would have made one of it.
    """
    value = call.inputs.get(name)
    if not isinstance(value, np.ndarray):
        raise _lacks(name, "mask", value)
    return cast("Array", value)


def integer(call: Call, name: str, default: int = 0) -> int:
    """An INT."""
    return int(number(call, name, default))


def number(call: Call, name: str, default: float = 0.0) -> float:
    """A FLOAT.

    Raises:
        NodeError: it is none.
    """
    value = call.inputs.get(name, default)
    if not isinstance(value, int | float):
        raise NodeError(f"the input `{name}` holds no number")
    return value


def same_batch(images: Array, count: int) -> Array:
    """Repeated or cut to `count`, as `comfy.utils.repeat_to_batch_size` does."""
    if len(images) == count:
        return images
    return np.resize(images, (count, *images.shape[1:])) if len(images) < count else images[:count]


def same_channels(images: Array, count: int) -> Array:
    """With `count` channels: alpha is dropped, or added as opaque."""
    have = images.shape[-1]
    if have == count:
        return images
    if have > count:
        return images[..., :count]
    return np.concatenate([images, np.ones((*images.shape[:-1], count - have), np.float32)], axis=-1)


def rgb(colour: int) -> tuple[float, float, float]:
    """0xRRGGBB as three numbers from 0 to 1."""
    return ((colour >> 16) & 255) / 255, ((colour >> 8) & 255) / 255, (colour & 255) / 255
