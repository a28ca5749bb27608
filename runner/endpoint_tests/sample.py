"""What the test run made, small enough to be committed and shown."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.mesh_picture import draw_mesh
from runner.endpoint_tests.validity import LOOKED_AT_FRAMES, LOOKING, frames, open_picture, sound
from runner.model import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject

MAX_EDGE = 768
"""Pixels: what fits the width of a pull request."""
MAX_PICTURE_BYTES = 400_000
"""Git keeps every version of it for ever."""
MAX_MEDIA_BYTES = 1_500_000
"""Of a sound, video or mesh; larger ones are left out and only their picture is kept."""
MAX_TEXT_CHARACTERS = 4000
JPEG_QUALITY = 85
STRIP_FRAMES = 4
STRIP_EDGE = 256
WAVE_SIZE = (768, 160)
WAVE_SECONDS = 30
_EXTENSIONS = {
    "video": frozenset({"mp4", "webm", "mkv", "mov"}),
    "audio": frozenset({"flac", "mp3", "opus", "ogg", "wav", "m4a"}),
    "mesh": frozenset({"glb", "obj", "stl", "ply", "fbx"}),
}
_ORDER = ("image", "video", "audio", "mesh", "text")
"""What people would rather look at first."""


def make_sample(outputs: list[tuple[JsonObject, bytes]]) -> Sample | None:
    """From the output that shows most; `None` if nothing can be shown."""
    for kind in _ORDER:
        for output, content in outputs:
            if output.get("kind") != kind:
                continue
            try:
                with LOOKING:
                    return _sample(kind, output, content)
            except CheckFailed:
                continue
    return None


def _sample(kind: str, output: JsonObject, content: bytes) -> Sample:
    if kind == "image":
        return _picture(open_picture(content))
    if kind == "text":
        text = content.decode("utf-8", "replace")[:MAX_TEXT_CHARACTERS]
        return Sample(file="sample.txt", media_type="text/plain; charset=utf-8", data=text.encode())
    look = {"video": _strip, "audio": _wave, "mesh": draw_mesh}[kind](content)
    suffix = PurePosixPath(str(output.get("filename"))).suffix.lower().removeprefix(".")
    if suffix in _EXTENSIONS[kind] and len(content) <= MAX_MEDIA_BYTES:
        preview = None if look is None else _png(look)
        return Sample(file=f"sample.{suffix}", media_type=str(output.get("media_type")), data=content, preview=preview)
    if look is None:
        raise CheckFailed("cannot be shown")
    return _picture(look)


def _picture(picture: Image.Image) -> Sample:
    """PNG if that is small, else JPEG."""
    small = _small(picture)
    name, media_type, data = "sample.png", "image/png", _png(small)
    if len(data) > MAX_PICTURE_BYTES:
        file = io.BytesIO()
        small.convert("RGB").save(file, "JPEG", quality=JPEG_QUALITY)
        name, media_type, data = "sample.jpg", "image/jpeg", file.getvalue()
    return Sample(file=name, media_type=media_type, data=data, width=picture.width, height=picture.height)


def _small(picture: Image.Image) -> Image.Image:
    """At most `MAX_EDGE` pixels, and nothing but pixels: ComfyUI puts the whole workflow into a picture's metadata."""
    small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((MAX_EDGE, MAX_EDGE), Image.Resampling.LANCZOS)
    return Image.fromarray(np.asarray(small))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    _small(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def _strip(content: bytes) -> Image.Image:
    """Four frames of a video, side by side, from its first ten seconds or so."""
    found = list(islice(_thumbnails(content), LOOKED_AT_FRAMES))
    if not found:
        raise CheckFailed("has no pictures")
    chosen = [found[round(index * (len(found) - 1) / (STRIP_FRAMES - 1))] for index in range(STRIP_FRAMES)]
    width, height = chosen[0].size
    strip = Image.new("RGB", (width * STRIP_FRAMES, height))
    for index, frame in enumerate(chosen):
        strip.paste(frame, (index * width, 0))
    return strip


def _thumbnails(content: bytes) -> Iterator[Image.Image]:
    for frame in frames(content):
        frame.thumbnail((STRIP_EDGE, STRIP_EDGE))
        yield frame


def _wave(content: bytes) -> Image.Image:
    """The sound's loudness over time."""
    samples, _ = sound(content, WAVE_SECONDS)
    width, height = WAVE_SIZE
    picture = Image.new("RGB", WAVE_SIZE, (250, 250, 252))
    draw = ImageDraw.Draw(picture)
    middle = height // 2
    for x, piece in enumerate(np.array_split(samples, width)):
        reach = int(float(np.abs(piece).max(initial=0.0)) * (middle - 4))
        draw.line((x, middle - reach, x, middle + reach), fill=(64, 98, 180))
    return picture
