"""Grey of more than 8 bits made to 8: Pillow's `convert` clips it, so that a map of 16 bits becomes white all over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

SIXTEEN: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
"""Modes whose white is 65535, whatever the picture holds."""
WHITES: Final = {"I": (255.0, 65535.0), "F": (1.0,)}
"""What white may be in modes of 32 bits, whose files do not say: fewer bits in a wider type, and ComfyUI's own 1.0."""


def eight_bits(picture: Image.Image) -> Image.Image:
    """The same picture, or a copy of mode `L`, without metadata, if it is grey of more than 8 bits.

    White of 32 bits is the first of `WHITES` that holds all of it, so that a dark map stays dark. If none does, or it
    goes below 0, it is in units of its own, as metres: its lowest is black, its highest white. What is no number is 0.

    Raises:
        OSError: it cannot be decoded.
    """
    if picture.mode not in SIXTEEN | WHITES.keys():
        return picture
    import numpy as np  # noqa: PLC0415 - few pictures need it
    from PIL import Image  # noqa: PLC0415 - as above

    levels = np.asarray(picture)
    if picture.mode in SIXTEEN:
        scaled = (levels >> 8).astype(np.uint8)
    else:
        levels = np.nan_to_num(levels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(levels.min()), float(levels.max())
        white = next((each for each in WHITES[picture.mode] if low >= 0 and high <= each), None)
        if white is None:
            levels -= low
            white = high - low
        levels *= 255 / (white or 1.0)
        scaled = levels.round().clip(0, 255).astype(np.uint8)
    made = Image.fromarray(scaled)
    made.format = picture.format
    return made
