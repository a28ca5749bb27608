"""Whether the same seed gives the same again. That it does not is told, and no fault: kernels of a GPU need not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import ImageChops, ImageStat

from runner.quality.scoring import Measured, told

if TYPE_CHECKING:
    from PIL import Image

NAME: Final = "same-seed"
FULL: Final = 255.0


def same_bytes(*, cached: bool = False) -> Measured:
    """Nothing differs. `cached`: it came so soon that perhaps nothing was worked on."""
    doubt = ", or came from ComfyUI's cache" if cached else ""
    return told(NAME, 1.0, detail=f"the same seed gives the same again, byte for byte{doubt}")


def compare_pictures(first: Image.Image, second: Image.Image) -> Measured:
    """Two pictures of the same seed, whose files may differ in what they say of themselves."""
    if first.size != second.size:
        return told(NAME, 0.0, score=0.0, detail="the same seed gives a picture of another size")
    apart = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB")))
    difference = sum(apart.mean) / len(apart.mean) / FULL
    if difference == 0:
        return told(NAME, 1.0, detail="the same seed gives the same again, pixel for pixel")
    alike = 1 - difference
    detail = f"the same seed gives another picture: pixels differ by {difference:.2%} on average"
    return told(NAME, alike, score=round(10 * alike, 2), detail=detail)


def differing() -> Measured:
    """The files differ, and more is not known of their kind."""
    return told(NAME, 0.0, score=0.0, detail="the same seed gives another file")
