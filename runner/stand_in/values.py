"""What travels along links.

    Pictures   IMAGE: a batch of pictures, or a video's frames
    Masks      MASK: numpy float32 (batch, height, width)
    Clip       VIDEO
    Opaque     everything that only a model could fill: LATENT, MODEL, CONDITIONING, AUDIO, MESH, ...

Python's own int, float, bool and str are INT, FLOAT, BOOLEAN and STRING.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from runner.stand_in.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.float32]"

MAX_BYTES = 768 << 20
"""Of one batch of pictures in memory. A stand-in that makes the machine swap helps nobody."""
EASY_BYTES = 192 << 20
"""Of a batch that is made at once; a larger one, such as a long video, is made picture by picture when looked at."""
_FLOAT_BYTES = 4
_RGB = 3


@dataclass(frozen=True)
class Facts:
    """What is known of a simulated thing."""

    width: int = 512
    height: int = 512
    count: int = 1
    """Pictures of a batch, or frames of a video."""
    fps: float = 24.0
    seconds: float = 3.0
    """Of a sound."""
    label: str = ""
    """The node class that would have made it."""
    seed: int = 0

    def is_easy(self) -> bool:
        """Whether as many pictures of that size are best made at once."""
        return self.count * self.width * self.height * _RGB * _FLOAT_BYTES <= EASY_BYTES

    def resized(self, width: int, height: int) -> Facts:
        """The same in another size."""
        return replace(self, width=width, height=height)


class Pictures:
    """A batch of pictures: numpy float32 (batch, height, width, channels) from 0 to 1, or painted when looked at."""

    def __init__(self, array: Array | None = None, *, facts: Facts | None = None, paint: Painter | None = None) -> None:
        self._array = array
        self._paint = paint
        if array is not None:
            count, height, width, _ = array.shape
            facts = Facts(width=width, height=height, count=count)
        assert facts is not None
        self.facts = facts

    @property
    def width(self) -> int:
        """Pixels."""
        return self.facts.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.facts.height

    def __len__(self) -> int:
        return self.facts.count

    def frame(self, index: int) -> Array:
        """One picture, (height, width, channels).

        Raises:
            NodeError: it would take more than `MAX_BYTES`.
        """
        if self._array is not None:
            return self._array[index]
        assert self._paint is not None
        check_size(self.height, self.width, 3)
        return self._paint(self.facts, index)

    def frames(self) -> Iterator[Array]:
        """All pictures, one after the other."""
        for index in range(len(self)):
            yield self.frame(index)

    def array(self) -> Array:
        """All pictures at once.

        Raises:
            NodeError: they would take more than `MAX_BYTES`.
        """
        if self._array is not None:
            return self._array
        check_size(len(self), self.height, self.width, 3)
        return np.stack(list(self.frames()))

    def mapped(self, change: Callable[[Array], Array], width: int, height: int) -> Pictures:
        """Each picture changed on its own; `change` takes and gives a batch, and makes it `width` by `height`.

        Raises:
            NodeError: one picture alone would take more than `MAX_BYTES`.
        """
        check_size(height, width, _RGB)
        if self.is_easy() and Facts(width=width, height=height, count=len(self)).is_easy():
            return pictures(change(self.array()))
        return self.later(len(self), lambda index: change(self.frame(index)[np.newaxis])[0], width, height)

    def later(self, count: int, frame: Callable[[int], Array], width: int, height: int) -> Pictures:
        """Pictures that are made when they are looked at."""
        facts = replace(self.facts, width=width, height=height, count=count)
        return Pictures(facts=facts, paint=lambda _, index: frame(index).clip(0, 1).astype(np.float32, copy=False))

    def is_easy(self) -> bool:
        """Whether all of it fits easily."""
        return self.facts.is_easy()

    @property
    def made(self) -> bool:
        """Whether its pixels are there already."""
        return self._array is not None


Painter: TypeAlias = "Callable[[Facts, int], Array]"
Masks: TypeAlias = Array


@dataclass(frozen=True)
class Clip:
    """A video."""

    pictures: Pictures
    fps: float
    sound: object | None = None
    """The AUDIO that goes with it."""
    source: bytes | None = None
    """The file it came from, if nothing was done to it."""


@dataclass(frozen=True)
class Stored:
    """A file that came in: a sound, a mesh."""

    kind: str
    data: bytes
    filename: str


@dataclass(frozen=True)
class Opaque:
    """Something of a type that only a model could fill."""

    kind: str
    facts: Facts


def check_size(*shape: int) -> None:
    """Make sure that a float32 array of this shape fits.

    Raises:
        TooLarge: it has more than `MAX_BYTES`.
    """
    size = _FLOAT_BYTES
    for length in shape:
        size *= max(0, length)
    if size > MAX_BYTES:
        dimensions = " × ".join(map(str, shape))
        most = f"the stand-in engine takes at most {MAX_BYTES >> 20} MiB at once"
        torch = f"DefaultCPUAllocator: not enough memory: you tried to allocate {size} bytes"  # as a real one says
        raise TooLarge(f"{torch} for {dimensions} numbers; {most}")


def pictures(array: Array) -> Pictures:
    """A batch from numbers that may be a little out of range."""
    return Pictures(np.clip(array, 0.0, 1.0).astype(np.float32, copy=False))


def facts_of(value: Any) -> Facts | None:  # noqa: ANN401 - anything travels along links
    """What is known of the size of a value, if it has one."""
    match value:
        case Pictures() | Opaque():
            return value.facts
        case Clip():
            return replace(value.pictures.facts, fps=value.fps)
        case np.ndarray():
            count, height, width = cast("Array", value).shape
            return Facts(width=width, height=height, count=count)
        case _:
            return None
