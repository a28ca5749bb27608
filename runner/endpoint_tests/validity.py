"""When an output is worth something: it can be decoded, and there is something in it."""

# PyAV annotates its functions in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import warnings
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple

import av
import av.error
import numpy as np
from PIL import Image, ImageSequence

from runner.endpoint_tests.errors import CheckFailed
from runner.gltf import read_glb
from runner.quality.eight_bits import eight_bits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from codegen.model import JsonObject

MAX_PIXELS = 300_000_000
"""Of one picture: 16384 x 16384, the most that ComfyUI's own nodes make."""
MAX_FRAME_PIXELS = 36_000_000
"""Of one frame of what moves: 8192 x 4320, the largest of 8K. A decoder keeps several."""
MAX_MOVING_PIXELS = 2_500_000_000
"""Of all frames that are looked at: ten seconds of 4K, half a minute of work. A file of a few kB can have many more."""
LOOKED_AT_FRAMES = 240
"""Of a video: ten seconds. One frame among them with something in it is enough."""
LOOKED_AT_SECONDS = 60
"""Of a sound."""
LOOKING = BoundedSemaphore(2)
"""Held while an output is decoded and measured: the largest picture takes a GB or two, and many runs and variations
are looked at in one process."""
SVG = "image/svg+xml"
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on damaged files."""
QUIET = 1e-4
"""Peak below which a sound counts as silent: -80 dB of full scale."""


def check_output(output: JsonObject, content: bytes) -> str:
    """What the output is, in a few words.

    Raises:
        CheckFailed: it is nothing that a caller could use; says why.
    """
    if not content:
        raise CheckFailed("is empty")
    if output.get("bytes") != len(content):
        raise CheckFailed(f"has {len(content)} bytes where {output.get('bytes')} were announced")
    with LOOKING:
        return _check_content(output, content)


def _check_content(output: JsonObject, content: bytes) -> str:
    match output.get("kind"):
        case "image":
            return _image(output, content)
        case "video":
            return _video(content)
        case "audio":
            return _audio(content)
        case "mesh":
            return _mesh(str(output.get("filename")), content)
        case "text":
            return _text(content)
        case _:
            return f"{len(content):,} bytes"


def open_picture(content: bytes) -> Image.Image:
    """The (first) picture, decoded, of at most 8 bits a colour.

    Raises:
        CheckFailed: it cannot be, or is too large.
    """
    return eight_bits(_opened(content))


def frames(content: bytes) -> Iterator[Image.Image]:
    """The pictures of a video, one after the other.

    Raises:
        CheckFailed: it cannot be decoded, or is too large.
    """
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.video:
                raise CheckFailed("has no pictures")
            codec = container.streams.video[0].codec_context
            _check_frame(codec.width, codec.height)
            codec.options = {**codec.options, "max_pixels": str(MAX_FRAME_PIXELS)}  # frames may say other than the file
            seen = 0
            for frame in container.decode(video=0):
                _check_frame(frame.width, frame.height)
                seen += frame.width * frame.height
                _check_all(seen)
                yield frame.to_image()
    except av.error.FFmpegError as error:
        raise CheckFailed(f"is no video that can be played: {error}") from None


def sound(content: bytes, seconds: float = LOOKED_AT_SECONDS) -> tuple[NDArray[np.float32], int]:
    """The first seconds of a sound: samples from -1 to 1 of one channel, and samples per second.

    Raises:
        CheckFailed: it cannot be decoded.
    """
    pieces: list[NDArray[np.float32]] = []
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.audio:
                raise CheckFailed("has no sound")
            rate = container.streams.audio[0].rate
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
            for frame in container.decode(audio=0):
                pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
                if sum(map(len, pieces)) > seconds * rate:
                    break
    except av.error.FFmpegError as error:
        raise CheckFailed(f"is no sound that can be played: {error}") from None
    if not pieces:
        raise CheckFailed("has no sound")
    return np.concatenate(pieces)[: int(seconds * rate)], rate


class Moving(NamedTuple):
    """A video, or a picture that moves."""

    frames: Iterator[Image.Image]
    """To be gone through once. May raise `CheckFailed`."""
    fps: float
    seconds: float


def moving_of(content: bytes) -> Moving:
    """A video.

    Raises:
        CheckFailed: it cannot be decoded.
    """
    try:
        with av.open(io.BytesIO(content), "r") as container:
            rate = container.streams.video[0].average_rate if container.streams.video else None
    except av.error.FFmpegError as error:
        raise CheckFailed(f"is no video that can be played: {error}") from None
    return Moving(frames(content), float(rate or 0), seconds_of(content))


def animation(content: bytes) -> Moving | None:
    """A picture of several frames; `None` if it has one.

    Raises:
        CheckFailed: it cannot be decoded.
    """
    picture = _opened(content)
    count = int(getattr(picture, "n_frames", 1))
    if count <= 1:
        return None
    each = float(picture.info.get("duration") or 0) / 1000
    return Moving(_animated(picture), 1 / each if each else 0.0, each * count)


def _animated(picture: Image.Image) -> Iterator[Image.Image]:
    seen = 0
    try:
        for frame in ImageSequence.Iterator(picture):
            _check_frame(*frame.size)  # they need not be as large as the first
            seen += frame.width * frame.height
            _check_all(seen)
            yield eight_bits(frame).convert("RGB")
    except _UNREADABLE as error:
        raise CheckFailed(f"is no picture that can be read: {error}") from None


def _opened(content: bytes) -> Image.Image:
    """The first picture, decoded as it is, unless it or what follows is too large."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
            pixels = picture.width * picture.height
            if pixels > MAX_PIXELS:
                raise CheckFailed(
                    f"has {picture.width} × {picture.height} pixels, more than can be looked at; make it smaller"
                )
            if (count := int(getattr(picture, "n_frames", 1))) > 1:
                _check_frame(*picture.size)
                _check_all(pixels * min(count, LOOKED_AT_FRAMES))
            picture.load()
            return picture
    except _UNREADABLE as error:
        raise CheckFailed(f"is no picture that can be read: {error}") from None


def _check_frame(width: int, height: int) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise CheckFailed(
            f"has frames of {width} × {height} pixels, more than can be looked at; make them smaller: "
            f"{MAX_FRAME_PIXELS:,} pixels at most"
        )


def _check_all(pixels: int) -> None:
    if pixels > MAX_MOVING_PIXELS:
        raise CheckFailed(
            f"has more than {MAX_MOVING_PIXELS:,} pixels in its first {LOOKED_AT_FRAMES} frames, more than can be "
            "looked at; make it smaller or shorter"
        )


def seconds_of(content: bytes) -> float:
    """How long a video or a sound is, as the file says; 0 if it does not.

    Raises:
        CheckFailed: it cannot be decoded.
    """
    try:
        with av.open(io.BytesIO(content), "r") as container:
            return (container.duration or 0) / av.time_base
    except av.error.FFmpegError as error:
        raise CheckFailed(f"cannot be played: {error}") from None


def blank(picture: Image.Image) -> bool:
    """One shade of grey (or nothing at all) all over: what a decoder makes of NaN, and a filter of what it refuses.

    One bright colour all over is somebody's wish.
    """
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        if alpha.getbbox() is None:
            return True
    plain = picture if picture.mode == "RGB" else picture.convert("RGB")
    return len({level for colour in plain.split() for level in colour.getextrema()}) == 1


def _image(output: JsonObject, content: bytes) -> str:
    if output.get("media_type") == SVG:
        if b"<svg" not in content:
            raise CheckFailed("is no SVG drawing")
        return f"SVG, {len(content):,} bytes"
    picture = open_picture(content)
    said = (output.get("width"), output.get("height"))
    if said != picture.size:
        raise CheckFailed(f"has {picture.width} × {picture.height} pixels where {said[0]} × {said[1]} were announced")
    if blank(picture):
        raise CheckFailed("is blank: one shade all over")
    return f"{picture.format} {picture.width} × {picture.height}"


def _video(content: bytes) -> str:
    count, size, alive = 0, (0, 0), False
    for frame in frames(content):
        count, size = count + 1, frame.size
        alive = alive or not blank(frame)
        if count >= LOOKED_AT_FRAMES:
            break
    if count == 0:
        raise CheckFailed("has no pictures")
    if not alive:
        raise CheckFailed("is blank: every picture has one shade all over")
    seconds = seconds_of(content)
    more = "at least " if count >= LOOKED_AT_FRAMES else ""
    return f"{size[0]} × {size[1]}, {more}{count} pictures, {seconds:.1f} s"


def _audio(content: bytes) -> str:
    samples, rate = sound(content)
    if float(np.abs(samples).max(initial=0.0)) < QUIET:
        raise CheckFailed("is silent")
    return f"{len(samples) / rate:.1f} s at {rate} Hz"


def _mesh(filename: str, content: bytes) -> str:
    suffix = filename.rpartition(".")[2].lower()
    if suffix == "glb":
        try:
            document, _ = read_glb(content)
        except ValueError as error:
            raise CheckFailed(f"is no binary glTF: {error}") from None
        if not document.get("meshes"):
            raise CheckFailed("has no mesh in it")
        return f"glTF, {len(document['meshes'])} mesh{'es' if len(document['meshes']) > 1 else ''}"
    if suffix == "obj" and not any(line.startswith(b"v ") for line in content.splitlines()):
        raise CheckFailed("has no vertex in it")
    return f"{suffix}, {len(content):,} bytes"


def _text(content: bytes) -> str:
    text = content.decode("utf-8", "replace").strip()
    if not text:
        raise CheckFailed("is empty")
    return f"{len(text):,} characters"
