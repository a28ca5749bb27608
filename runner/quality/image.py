"""What is measured of a picture: contrast, brightness, clipping, entropy, sharpness, noise of several sizes, its size.

All but the finest noise is measured on a copy of at most `WORKING_EDGE` pixels: that is how people first see it, it
makes pictures of all sizes alike, and costs less than 0.1 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image

from runner.quality.scoring import Measured, Scale, on_scale, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runner.quality.expected import Expected

    Plane = NDArray[np.float32]

WORKING_EDGE: Final = 384
"""Pixels: as in the calibration, whose pictures have 350 to 400."""
NATIVE_EDGE: Final = 512
"""Pixels of the middle that are looked at as they are: noise of single pixels is gone from a smaller copy."""
LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""
BEHIND: Final = (128, 128, 128)
"""What transparent pixels are shown on."""
SEEN: Final = 8
"""Alpha of 255 above which a pixel is seen."""
LOW: Final = 0.5
HIGH: Final = 99.5
"""Percentiles that stand for the darkest and the brightest: single pixels do not count."""
CLIPPED: Final = 253
DARK: Final = 2
TILE: Final = 24
"""Pixels of the working copy: the smallest black square that may be a part of a hole."""
FILLED: Final = 0.97
"""Part of a rectangle that is black, for it to be a hole."""
SURROUNDED: Final = 0.7
"""Part of the frame around a hole that is not black."""
FRAME: Final = 3
"""Pixels between a hole and that frame: where a smaller copy mixes both."""
STRONG_EDGE: Final = 99
"""Percentile of the gradient and of the second derivative that are compared."""
LAG: Final = 16
"""Pixels of the working copy at which neighbours are still alike, unless it is made of pieces."""
BLOCK: Final = 8
"""Pixels of the working copy: what is left of the latent grid of models, and larger patches."""
DRAWING: Final = 2.0
"""Bits of entropy below which it is a drawing or a logo, whose white is paper and not light."""
BARE: Final = 0.02
"""Part of a picture below which what is left of it beside white, or black, says nothing."""
DRAWN: Final = 0.88
"""Of a drawing no more of what is left counts as extreme: what is black and white may have been meant so."""
NORM_OF_KERNEL: Final = 6.0
MEDIAN_OF_NORMAL: Final = 0.6745
"""Median of the absolute values, by the standard deviation."""
SMALLEST: Final = 2 * LAG
"""Pixels of an edge below which there is too little to measure."""
WHITE_COUNTS: Final = 0.5
"""White pixels against pixels of which one colour only is at its limit: products are often shown on white."""

CONTRAST: Final = Scale(25, 90)
BRIGHTNESS: Final = Scale(50, 110)
CLIPPING: Final = Scale(0.45, 0.02)
BURNT: Final = Scale(0.1, 0.01)
EXTREMES: Final = Scale(1.0, 0.5)
HOLE: Final = Scale(0.06, 0.02)
ENTROPY: Final = Scale(0.15, 0.35)
SHARPNESS: Final = Scale(0.45, 0.75)
NOISE: Final = Scale(20, 12)
COHERENCE: Final = Scale(0.03, 0.12)
PATCHES: Final = Scale(18, 9.5)
SIZE: Final = Scale(0.25, 0.05)
SIZE_SLACK: Final = 16
"""Pixels that models round by."""


class Pixels(NamedTuple):
    """A picture ready to be measured."""

    working: Plane
    """(height, width, 3), 0 to 255, small."""
    seen: NDArray[np.bool_]
    """Of the working copy: what is not transparent."""
    native: Plane
    """Luma of the middle, as it is."""


def pixels_of(picture: Image.Image) -> Pixels:
    """A copy to measure; what is transparent is grey in it."""
    middle = _middle(picture)
    small = _plain(picture)
    if (factor := max(picture.size) // WORKING_EDGE) > 1:
        small = small.reduce(factor)
    small.thumbnail((WORKING_EDGE, WORKING_EDGE), Image.Resampling.BOX)
    flat, seen = _on_grey(small)
    return Pixels(flat, seen, _on_grey(middle)[0] @ LUMA)


def measure_image(picture: Image.Image, wanted: Expected) -> tuple[Measured, ...]:
    """All of one picture; `wanted` is what its workflow asks for, as far as anybody knows."""
    measures = measure_pixels(pixels_of(picture))
    if wanted.flat:
        because = f"; a product of {wanted.flat} may be like that"
        measures = tuple(each._replace(counts=False, detail=each.detail + because) for each in measures)
    return (*measures, size(picture.size, wanted))


def measure_pixels(pixels: Pixels) -> tuple[Measured, ...]:
    """Of what is in it."""
    colours = pixels.working
    luma = colours @ LUMA
    seen = luma[pixels.seen]
    if min(luma.shape) < SMALLEST or seen.size < SMALLEST**2:
        return (told("content", float(seen.size), unit="pixels", detail="too few pixels to measure"),)
    low, high = (float(each) for each in np.percentile(seen, (LOW, HIGH)))
    entropy = _entropy(seen)
    clipped = _clipped(colours[pixels.seen], drawing=entropy < DRAWING)
    burnt = _burnt(colours[pixels.seen])
    extreme = _extreme(colours[pixels.seen], drawing=entropy < DRAWING)
    hole = _hole((colours <= DARK).all(-1) & pixels.seen)
    sharp = _sharpness(luma)
    noise = _noise(pixels.native)
    alike = _coherence(luma)
    patches = _patches(colours, luma)
    return (
        on_scale("contrast", high - low, CONTRAST, unit="of 255", detail=f"from {low:.0f} to {high:.0f} of 255"),
        on_scale("brightness", high, BRIGHTNESS, unit="of 255", detail=f"its brightest parts have {high:.0f} of 255"),
        on_scale("clipping", clipped, CLIPPING, detail=f"{clipped:.0%} is at the limit of brightness"),
        on_scale("burnt", burnt, BURNT, detail=f"{burnt:.0%} has one colour at its highest and another at its lowest"),
        on_scale("extremes", extreme, EXTREMES, detail=f"{extreme:.0%} of what is drawn has a colour at a limit"),
        on_scale("hole", hole, HOLE, detail=f"{hole:.0%} is one black rectangle in the middle of something"),
        on_scale("entropy", entropy, ENTROPY, unit="bits", detail=f"{entropy:.1f} of 8 bits a pixel"),
        on_scale("sharpness", sharp, SHARPNESS, detail=f"{sharp:.2f}; sharp pictures have 1 to 2"),
        on_scale("noise", noise, NOISE, unit="of 255", detail=f"noise of single pixels is {noise:.0f} of 255"),
        on_scale("coherence", alike, COHERENCE, detail=f"places {LAG} pixels apart have {alike:.2f} in common, of 1"),
        on_scale("patches", patches, PATCHES, unit="of 255", detail=f"noise of patches is {patches:.0f} of 255"),
        told("exposure", float(seen.mean()), unit="of 255", detail=f"{seen.mean():.0f} of 255 on average"),
    )


def size(got: tuple[int, int], wanted: Expected) -> Measured:
    """Width and height, against what the workflow says, where it surely says it."""
    words = f"{got[0]} × {got[1]} pixels"
    if wanted.width is None or wanted.height is None:
        return told("size", got[0] * got[1], unit="pixels", detail=words)
    asked = (wanted.width, wanted.height)
    off = max(max(0, abs(one - other) - SIZE_SLACK) / other for one, other in zip(got, asked, strict=True))
    shape = abs(np.log((got[0] / got[1]) / (asked[0] / asked[1])))
    detail = f"{words} where {asked[0]} × {asked[1]} were asked for"
    return on_scale("size", max(off, float(shape) - 0.05), SIZE, detail=detail)._replace(
        value=got[0] * got[1], unit="pixels"
    )


def _middle(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    left, top = max(0, (width - NATIVE_EDGE) // 2), max(0, (height - NATIVE_EDGE) // 2)
    return picture.crop((left, top, min(width, left + NATIVE_EDGE), min(height, top + NATIVE_EDGE)))


def _plain(picture: Image.Image) -> Image.Image:
    """A copy."""
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _on_grey(picture: Image.Image) -> tuple[Plane, NDArray[np.bool_]]:
    """Pixels of 0 to 255, and which of them are seen."""
    plain = _plain(picture)
    if plain.mode == "RGB":
        return np.asarray(plain, np.float32), np.ones((plain.height, plain.width), np.bool_)
    behind = Image.new("RGB", plain.size, BEHIND)
    alpha = plain.getchannel("A")
    behind.paste(plain, mask=alpha)
    return np.asarray(behind, np.float32), np.asarray(alpha) > SEEN


def _clipped(seen: Plane, *, drawing: bool) -> float:
    at_limit = seen >= CLIPPED
    some, every = at_limit.any(-1), at_limit.all(-1)
    return float((some & ~every).mean() + (0.0 if drawing else WHITE_COUNTS * every.mean()))


def _burnt(seen: Plane) -> float:
    """Pixels of a colour that hardly any light has: what is left where contrast was raised beyond all bounds."""
    return float(((seen >= CLIPPED).any(-1) & (seen <= DARK).any(-1)).mean())


def _extreme(seen: Plane, *, drawing: bool) -> float:
    """The part with a colour at its lowest or highest, of all that is no background: burnt pictures have nothing else.

    White is background or black is, whichever there is more of: paper, or night.
    """
    high, low = seen >= CLIPPED, seen <= DARK
    white, black = high.all(-1), low.all(-1)
    drawn = np.logical_not(white if white.sum() > black.sum() else black)
    if drawn.mean() < BARE:
        return 0.0
    part = float((high | low)[drawn].any(-1).mean())
    return min(part, DRAWN) if drawing else part


def _hole(black: NDArray[np.bool_]) -> float:
    """The part of the picture that is one black rectangle with something on most of its sides, as a tile that failed.

    A bar across the whole picture, and black around something, are none.
    """
    height, width = black.shape
    if height <= TILE or width <= TILE:
        return 0.0
    sums = np.pad(black.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[TILE:, TILE:] - sums[:-TILE, TILE:] - sums[TILE:, :-TILE] + sums[:-TILE, :-TILE] == TILE**2
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return 0.0
    top, bottom = int(rows[0]), int(rows[-1]) + TILE
    left, right = int(columns[0]), int(columns[-1]) + TILE
    if bottom - top == height or right - left == width or black[top:bottom, left:right].mean() < FILLED:
        return 0.0
    around = np.zeros_like(black)
    around[max(0, top - FRAME) : bottom + FRAME, max(0, left - FRAME) : right + FRAME] = True
    around[max(0, top - FRAME + 1) : bottom + FRAME - 1, max(0, left - FRAME + 1) : right + FRAME - 1] = False
    if not around.any() or (~black[around]).mean() < SURROUNDED:
        return 0.0
    return (bottom - top) * (right - left) / black.size


def _sharpness(luma: Plane) -> float:
    """How sudden its strongest edges are: second by first derivative. Blur of a part, as behind a face, is fine."""
    across, down = np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]
    first = float(np.percentile(np.hypot(across, down), STRONG_EDGE))
    inner = luma[1:-1, 1:-1]
    second = np.abs(4 * inner - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:])
    return float(np.percentile(second, STRONG_EDGE)) / (first + 1e-3)


def _coherence(luma: Plane) -> float:
    """Correlation of pixels that are `LAG` apart: of what shows something, neighbours are alike."""
    variance = float(luma.var())
    if variance == 0:
        return 1.0
    apart = [((luma[LAG:] - luma[:-LAG]) ** 2).mean(), ((luma[:, LAG:] - luma[:, :-LAG]) ** 2).mean()]
    return max(1 - float(each) / 2 / variance for each in apart)


def _patches(colours: Plane, luma: Plane) -> float:
    """Noise of colour between patches of `BLOCK` pixels: what a decoder makes of latents that were never denoised."""
    red, blue = _reduced(colours[..., 0] - luma), _reduced(colours[..., 2] - luma)
    return (_noise(red) + _noise(blue)) / 2


def _entropy(seen: NDArray[Any]) -> float:
    """Of the brightness of pixels, in bits: 0 for one shade, 8 for all of them equally often."""
    parts = np.bincount(seen.astype(np.uint8), minlength=256) / seen.size
    parts = parts[parts > 0]
    return float(-(parts * np.log2(parts)).sum())


def _noise(plane: NDArray[Any]) -> float:
    """Standard deviation of noise, by the median of what a kernel leaves that lines and slopes do not reach.

    The kernel is of J. Immerkær, "Fast noise variance estimation" (1996); the median instead of his mean, as wavelet
    estimators have it, because edges are no noise.
    """
    across = plane[:, :-2] - 2 * plane[:, 1:-1] + plane[:, 2:]
    left = across[:-2] - 2 * across[1:-1] + across[2:]
    return float(np.median(np.abs(left))) / (NORM_OF_KERNEL * MEDIAN_OF_NORMAL)


def _reduced(plane: Plane) -> NDArray[Any]:
    height, width = (side // BLOCK for side in plane.shape)
    blocks = plane[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return blocks.mean((1, 3))
