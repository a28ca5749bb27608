"""The outputs of a deployed endpoint, measured: from files to what `runner.quality` takes, and to a verdict."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import Field

from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.validity import (
    LOOKED_AT_FRAMES,
    LOOKING,
    SVG,
    Moving,
    animation,
    moving_of,
    open_picture,
    seconds_of,
    sound,
)
from runner.gltf import NotPlain, triangles
from runner.model import EngineKind, Frozen, OutputQuality
from runner.quality import repeat
from runner.quality.audio import measure_audio
from runner.quality.expected import Expected, expected
from runner.quality.image import measure_image
from runner.quality.mesh import measure_mesh
from runner.quality.reference import compare_with_reference
from runner.quality.rules import KINDS, LIKENESS, QualityRules
from runner.quality.scoring import Measured, Scale, judged, on_scale
from runner.quality.text import measure_text
from runner.quality.video import Watched, measure_video

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

SHOWN: Final = 4
"""Measures of a failed test that are named."""
UNREADABLE: Final = Scale(0, 1)


class Wanted(Frozen):
    """What outputs are held to."""

    prompt: dict[str, Any] = Field(default_factory=dict)
    """In API format, as deployed: it says what size, length and kind of thing to expect."""
    rules: QualityRules = QualityRules()
    simulated: QualityRules | None = None
    """Instead of `rules`, where the app says that a stand-in is its engine; `None`: no others."""
    reference: bytes | None = None
    """A picture that the result should look like."""

    def of(self, engine: EngineKind | None) -> Wanted:
        """What is wanted of an app with this engine."""
        if engine != "stand-in" or self.simulated is None:
            return self
        return self.model_copy(update={"rules": self.simulated})


class Found(Frozen):
    """One output of the first call, which is what it should be."""

    name: str
    kind: str
    node: str
    filename: str
    media_type: str
    content: bytes
    again: bytes | None = None
    """The same output of another call with the same seed; `None` if there was none."""
    cached: bool = False
    """The other call was answered so soon that it may not have been worked on."""


class _Seen(NamedTuple):
    kind: str
    """A picture that moves is a video."""
    measures: tuple[Measured, ...]
    picture: Image.Image | None
    """To compare with others; of a video one of its frames."""


def assess(found: Iterable[Found], wanted: Wanted) -> tuple[OutputQuality, ...]:
    """Measures of each output that can be measured; what cannot be decoded is left to the test of validity."""
    reference = open_picture(wanted.reference) if wanted.reference else None
    assessed: list[OutputQuality] = []
    looks: dict[int, tuple[Measured, ...]] = {}
    for one in found:
        with LOOKING, suppress(CheckFailed):
            seen = _seen(one, expected(wanted.prompt, one.node))
            if seen is None:
                continue
            if reference is not None and seen.picture is not None:
                looks[len(assessed)] = compare_with_reference(seen.picture, reference)
            assessed.append(judged(one.name, seen.kind, seen.measures, wanted.rules.minimum(seen.kind, one.name)))
    if looks:  # one of them is to look like it
        closest = max(looks, key=lambda index: looks[index][-1].value)
        assessed[closest] = _with_reference(assessed[closest], looks[closest], wanted.rules.reference)
    return tuple(assessed)


def verdict(assessed: tuple[OutputQuality, ...]) -> str:
    """A few words on each output.

    Raises:
        CheckFailed: one is below its limit; says which measure, and why.
    """
    faults = [
        f"{one.output}: {each.name} has {each.score:.1f} of 10, below {each.limit or 0:g}: {each.detail}"
        for one in assessed
        for each in one.measures
        if not each.passed
    ]
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise CheckFailed("; ".join(faults[:SHOWN]) + more)
    if not assessed:
        return "nothing that can be measured"
    return "; ".join(f"{one.output}: {one.score:.1f} of 10{_repeated(one)}" for one in assessed)


def _repeated(one: OutputQuality) -> str:
    return next((f", {each.detail}" for each in one.measures if each.name == repeat.NAME), "")


def _with_reference(one: OutputQuality, looks: tuple[Measured, ...], minimum: float) -> OutputQuality:
    measures = judged(one.output, one.kind, looks, 0.0).measures
    held = tuple(
        each.model_copy(update={"passed": each.score >= minimum, "limit": minimum or None})
        if each.name == LIKENESS
        else each
        for each in measures
    )
    return one.model_copy(update={"measures": (*one.measures, *held)})


def _seen(one: Found, wanted: Expected) -> _Seen | None:
    """Measures; `None` if there are none of its kind.

    Raises:
        CheckFailed: it cannot be decoded.
    """
    if one.kind not in KINDS or one.media_type == SVG:
        return None
    moving = animation(one.content) if one.kind == "image" else moving_of(one.content) if one.kind == "video" else None
    if moving is not None:
        return _video(one, moving, wanted)
    picture = open_picture(one.content) if one.kind == "image" else None
    measures = measure_image(picture, wanted) if picture else _other(one, wanted)
    return None if measures is None else _Seen(one.kind, (*measures, *_again(one)), picture)


def _other(one: Found, wanted: Expected) -> tuple[Measured, ...] | None:
    """Of what is no picture."""
    if one.kind == "audio":
        samples, rate = sound(one.content)
        return measure_audio(samples, rate, round(seconds_of(one.content), 2), wanted)
    return _mesh(one) if one.kind == "mesh" else measure_text(one.content)


def _video(one: Found, moving: Moving, wanted: Expected) -> _Seen:
    watched = Watched(islice(moving.frames, LOOKED_AT_FRAMES))
    whole = watched.count < LOOKED_AT_FRAMES
    measures = measure_video(watched, fps=moving.fps, seconds=moving.seconds, whole=whole, wanted=wanted)
    return _Seen("video", (*measures, *_again(one)), watched.middle)


def _mesh(one: Found) -> tuple[Measured, ...] | None:
    if not one.filename.lower().endswith(".glb"):
        return None
    try:
        return measure_mesh(triangles(one.content))
    except NotPlain:
        return None
    except ValueError as error:
        return (on_scale("readable", 0, UNREADABLE, detail=f"its triangles cannot be read: {error}"),)


def _again(one: Found) -> tuple[Measured, ...]:
    """Whether the same seed gives the same again, if that was tried."""
    if one.again is None:
        return ()
    if one.again == one.content:
        return (repeat.same_bytes(cached=one.cached),)
    try:
        pictures = (open_picture(one.content), open_picture(one.again)) if one.kind == "image" else None
    except CheckFailed:
        pictures = None
    return (repeat.compare_pictures(*pictures) if pictures else repeat.differing(),)
