"""How like an output is to the picture that the issue shows: "should look like this".

Three views, because none alone is what people mean by alike: the coarse picture (perceptual hash), the structure place
by place (SSIM), and the colours wherever they are (histogram). A model that draws the same thing anew keeps the first
and the last, and hardly the second; so the likeness is their mean with the better two counting double.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import numpy as np
from PIL import Image, ImageOps

from runner.quality.rules import LIKENESS, REFERENCE_PREFIX
from runner.quality.scoring import Measured, Scale, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

EDGE: Final = 256
HASH_BITS: Final = 64
BINS: Final = 8
"""Of each colour."""

HASH: Final = Scale(0.5, 0.95)
"""Bits in common: of unrelated pictures half."""
STRUCTURE: Final = Scale(0.1, 0.8)
COLOUR: Final = Scale(0.1, 0.8)


def compare_with_reference(picture: Image.Image, reference: Image.Image) -> tuple[Measured, ...]:
    """`reference-hash`, `-ssim`, `-colour`, each 0 to 1, and `reference-likeness`, 0 to 10."""
    import imagehash  # noqa: PLC0415 - few runs have a reference

    one, other = (_plain(each) for each in (picture, reference))
    hashes = 1 - (imagehash.phash(one) - imagehash.phash(other)) / HASH_BITS
    size = (EDGE, EDGE)
    greys = [np.asarray(ImageOps.fit(each, size).convert("L"), np.uint8) for each in (one, other)]
    structure = _structure(greys[0], greys[1])
    colour = float(np.minimum(_histogram(one), _histogram(other)).sum())
    scores = sorted((HASH.score(hashes), STRUCTURE.score(structure), COLOUR.score(colour)))
    likeness = round((scores[0] + 2 * scores[1] + 2 * scores[2]) / 5, 2)
    return (
        told(
            f"{REFERENCE_PREFIX}hash",
            hashes,
            score=HASH.score(hashes),
            detail=f"perceptual hashes agree in {hashes:.0%}",
        ),
        told(
            f"{REFERENCE_PREFIX}ssim",
            structure,
            score=STRUCTURE.score(structure),
            detail=f"structural similarity {structure:.2f}",
        ),
        told(
            f"{REFERENCE_PREFIX}colour",
            colour,
            score=COLOUR.score(colour),
            detail=f"{colour:.0%} of its colours are in it",
        ),
        told(LIKENESS, likeness, unit="of 10", score=likeness, detail=f"{likeness:.1f} of 10 like the reference"),
    )


def _structure(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    from skimage.metrics import (  # noqa: PLC0415 - loads scipy: half a second, and few runs have a reference
        structural_similarity,  # pyright: ignore[reportUnknownVariableType] - is not annotated
    )

    return float(cast("float", structural_similarity(one, other, data_range=255)))


def _plain(picture: Image.Image) -> Image.Image:
    small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((EDGE * 2, EDGE * 2))
    if small.mode == "RGB":
        return small
    behind = Image.new("RGB", small.size, (255, 255, 255))
    behind.paste(small, mask=small.getchannel("A"))
    return behind


def _histogram(picture: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(picture, np.uint8).reshape(-1, 3) // (256 // BINS)
    numbers = (pixels[:, 0].astype(np.int64) * BINS + pixels[:, 1]) * BINS + pixels[:, 2]
    return np.bincount(numbers, minlength=BINS**3) / len(numbers)
