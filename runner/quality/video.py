"""What is measured of a video: whether it moves, whether its frames belong together, its length, and its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from PIL import Image

from runner.quality.image import Pixels, measure_pixels, pixels_of, size
from runner.quality.length import length
from runner.quality.scoring import Measured, Scale, on_scale

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from runner.quality.expected import Expected

SAMPLED: Final = 16
"""Frames that are measured as pictures, at most; at least half as many of a longer video."""
GLIMPSE: Final = (512, 512)
"""Pixels of the copy that is compared with a reference, which looks at no more."""
THUMBNAIL: Final = (96, 96)
"""Pixels of the copy in which frames are compared."""
CELL: Final = 3
"""Pixels of that copy, squared: a bird in a still sky is in one cell."""
SAME: Final = 2.5
"""Of 255: difference of the cell that differs most, below which a frame repeats the one before. Encoders make less of
stills, and a sun that rises slowly in a still sky makes 5."""
USUAL: Final = 25
"""Percentile of the frames' scores that stands for all: some may be black, as at a cut."""

DUPLICATES: Final = Scale(0.97, 0.6)
"""Twelve pictures a second in a video of thirty are 60 % duplicates."""
FREEZE: Final = Scale(0.9, 0.5)
CONTINUITY: Final = Scale(0.15, 0.5)


class Sampled(NamedTuple):
    """What is kept of a frame: at most some 4 MB, however large it is."""

    pixels: Pixels
    small: Image.Image


class Watched:
    """A video as it comes, frame by frame; little of it is kept."""

    def __init__(self, frames: Iterable[Image.Image]) -> None:
        self.size = (0, 0)
        self.count = 0
        self.sampled: list[Sampled] = []
        self._thumbnails: list[NDArray[np.float32]] = []
        stride = 1
        for frame in frames:
            self.size = frame.size
            self._thumbnails.append(_thumbnail(frame))
            if self.count % stride == 0:
                if len(self.sampled) == SAMPLED:
                    self.sampled, stride = self.sampled[::2], stride * 2
                if self.count % stride == 0:
                    self.sampled.append(_sampled(frame))
            self.count += 1

    @property
    def middle(self) -> Image.Image | None:
        """A small copy of a frame from the middle; `None` if there was no frame."""
        return self.sampled[len(self.sampled) // 2].small if self.sampled else None

    @property
    def steps(self) -> NDArray[np.float32]:
        """Of each frame, how much the place differs that differs most from the frame before, of 255."""
        pairs = zip(self._thumbnails, self._thumbnails[1:], strict=False)
        return np.array([float(np.abs(_cells(after - before)).max()) for before, after in pairs], np.float32)

    @property
    def continuity(self) -> float:
        """Correlation of frames with the one before, of half of them at least: unrelated ones have none."""
        pairs = zip(self._thumbnails, self._thumbnails[1:], strict=False)
        alike = [_correlation(before, after) for before, after in pairs]
        return float(np.median(alike)) if alike else 1.0


def measure_video(
    watched: Watched, *, fps: float, seconds: float, whole: bool, wanted: Expected
) -> tuple[Measured, ...]:
    """All of a video.

    Args:
        watched: what was seen of it.
        fps: frames a second, as the file says; so are `seconds`.
        seconds: of all of it.
        whole: whether all of it was seen.
        wanted: what its workflow asks for.
    """
    measures = [*_pictures(watched.sampled)]
    steps = watched.steps
    if len(steps):
        still = steps < SAME
        duplicates, frozen = float(still.mean()), _longest(still) / len(steps)
        measures += [
            on_scale("duplicates", duplicates, DUPLICATES, detail=f"{duplicates:.0%} of its frames repeat another"),
            on_scale("freeze", frozen, FREEZE, detail=f"for {frozen:.0%} of it nothing moves"),
            on_scale(
                "continuity",
                watched.continuity,
                CONTINUITY,
                detail=f"frames have {watched.continuity:.2f} in common with the one before, of 1",
            ),
        ]
    if wanted.flat:
        because = f"; a product of {wanted.flat} may be like that"
        measures = [each._replace(counts=False, detail=each.detail + because) for each in measures]
    if wanted.frames == 1:
        wanted = wanted.model_copy(update={"frames": None})
    asked = wanted.frames / wanted.fps if wanted.frames and wanted.fps else wanted.seconds
    measures += [size(watched.size, wanted), *length(round(seconds, 2), asked, "seconds")]
    measures += length(round(fps, 3), wanted.fps, "frames per second")
    if whole and wanted.frames:
        measures += length(watched.count, wanted.frames, "frames")
    return tuple(measures)


def _pictures(frames: list[Sampled]) -> list[Measured]:
    """Each measure of the pictures, as that frame has it which is as good as a quarter of them or worse."""
    found: dict[str, list[Measured]] = {}
    for frame in frames:
        for each in measure_pixels(frame.pixels):
            found.setdefault(each.name, []).append(each)
    usual: list[Measured] = []
    for each in found.values():
        ordered = sorted(each, key=lambda one: one.score)
        usual.append(ordered[len(ordered) * USUAL // 100])
    return usual


def _sampled(frame: Image.Image) -> Sampled:
    small = frame.copy()
    small.thumbnail(GLIMPSE)
    return Sampled(pixels_of(frame), small)


def _thumbnail(frame: Image.Image) -> NDArray[np.float32]:
    return np.asarray(frame.convert("L").resize(THUMBNAIL, Image.Resampling.BOX), np.float32)


def _cells(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (side // CELL for side in difference.shape)
    return difference.reshape(height, CELL, width, CELL).mean((1, 3))


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    first, second = one - one.mean(), other - other.mean()
    power = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / power if power else 1.0


def _longest(still: NDArray[np.bool_]) -> int:
    """The longest run of frames that repeat the one before."""
    best = run = 0
    for each in still:
        run = run + 1 if each else 0
        best = max(best, run)
    return best
