"""Pictures, videos, sounds and meshes that say SIMULATED.

The same facts give the same bytes; another seed gives others.
"""

# PyAV annotates its functions in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import colorsys
import hashlib
import io
import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from runner.gltf import write_glb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.stand_in.values import Array, Facts

WORD = "SIMULATED"
MAX_EDGE = 4096
"""Pixels of a simulated picture: larger ones are drawn small and enlarged."""
MAX_FRAME_EDGE = 1024
"""The same for the frames of a video, of which there are many."""
FEW = 8
"""Pictures of a batch that are worth being drawn at their size."""
MAX_FRAMES = 48
"""Frames of a simulated video: two seconds show that it is one."""
MAX_FRAME_PIXELS = MAX_FRAMES * 1280 * 720
"""Pixels that are looked at for one video: of large frames there are fewer."""
MAX_VIDEO_EDGE = 640
"""Pixels of a simulated video's longer side."""
MAX_SECONDS = 5.0
"""Of a simulated sound."""
RATE = 44_100
CODECS = {"mp4": "libx264", "webm": "libvpx-vp9", "mkv": "libx264", "mov": "libx264"}
SOUND_CODECS = {
    "flac": ("flac", "flac", "s16"),
    "mp3": ("mp3", "libmp3lame", "s16p"),
    "opus": ("ogg", "libopus", "s16"),
}
_OPUS_RATE = 48_000


def paint(facts: Facts, index: int) -> Array:
    """One simulated picture, (height, width, 3)."""
    picture = _painted(facts, index)
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


@lru_cache(maxsize=8)
def _painted(facts: Facts, index: int) -> Image.Image:
    width, height = facts.width, facts.height
    edge = max(width, height)
    scale = min(1.0, (MAX_EDGE if facts.count <= FEW else MAX_FRAME_EDGE) / edge)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    digest = hashlib.sha256(f"{facts.label} {facts.seed}".encode()).digest()
    hue, slant = digest[0] / 255, digest[1] / 255
    first, second = (_rgb(hue, 0.45, 0.95), _rgb((hue + 0.12 + slant / 5) % 1, 0.6, 0.55))
    ramp = Image.linear_gradient("L").rotate(round(slant * 3) * 90).resize(size)
    channels = [
        ramp.point([a + (b - a) * level // 255 for level in range(256)]) for a, b in zip(first, second, strict=True)
    ]
    picture = Image.merge("RGB", channels)
    draw = ImageDraw.Draw(picture)
    _stripes(draw, size, index / max(1, facts.count))
    _words(draw, size, facts, index)
    return picture if size == (width, height) else picture.resize((width, height))


def _stripes(draw: ImageDraw.ImageDraw, size: tuple[int, int], part: float) -> None:
    """Along the edges, as on what is under construction; they move from frame to frame."""
    width, height = size
    band = max(2, min(size) // 24)
    shift = int(4 * band * part)
    for top in (0, height - band):
        draw.rectangle((0, top, width, top + band), fill=(250, 204, 21))
        for left in range(-2 * band + shift % (2 * band), width + band, 2 * band):
            draw.polygon(
                [(left, top + band), (left + band, top), (left + 2 * band, top), (left + band, top + band)],
                fill=(17, 24, 39),
            )


def _words(draw: ImageDraw.ImageDraw, size: tuple[int, int], facts: Facts, index: int) -> None:
    width, height = size
    large = max(6, min(round(width / 6.5), round(height / 3)))
    small = max(5, large // 3)
    frame = f" · {index + 1}/{facts.count}" if facts.count > 1 else ""
    for text, pixels, middle in (
        (WORD, large, height / 2 - small / 2),
        (f"{facts.label or 'model'} · seed {facts.seed}{frame}"[:60], small, height / 2 + large * 0.7),
    ):
        font = ImageFont.load_default(size=pixels)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        place = ((width - right + left) / 2 - left, middle - (bottom - top) / 2 - top)
        draw.text(
            place, text, font=font, fill=(255, 255, 255), stroke_width=max(1, pixels // 16), stroke_fill=(17, 24, 39)
        )


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def encode_video(frames: Iterable[Array], fps: float, extension: str) -> bytes:
    """A playable file of at most `MAX_FRAMES` frames, at most `MAX_VIDEO_EDGE` pixels wide and high."""
    import av  # noqa: PLC0415 - 100 ms that pictures need not pay

    file = io.BytesIO()
    with av.open(file, "w", format="matroska" if extension == "mkv" else extension) as container:
        stream: Any = None
        for count, frame in enumerate(frames):
            if count >= MAX_FRAMES or count * frame.shape[0] * frame.shape[1] > MAX_FRAME_PIXELS:
                break
            pixels = _even(frame)
            if stream is None:
                rate = Fraction(max(1.0, min(fps, 120.0))).limit_denominator(1001)
                stream = container.add_stream(CODECS[extension], rate=rate)
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"preset": "ultrafast"} if CODECS[extension] == "libx264" else {"cpu-used": "8"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode())
    return file.getvalue()


def _even(frame: Array) -> Any:  # noqa: ANN401 - uint8 pixels
    """Pixels with even sides, as 4:2:0 needs, small enough to be encoded at once."""
    height, width = frame.shape[:2]
    scale = min(1.0, MAX_VIDEO_EDGE / max(height, width))
    size = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
    picture = Image.fromarray((frame[..., :3] * 255 + 0.5).astype(np.uint8))
    return np.asarray(picture if picture.size == size else picture.resize(size))


def encode_sound(facts: Facts, extension: str) -> bytes:
    """A chord that fades, of another pitch for another seed."""
    import av  # noqa: PLC0415

    container_format, codec, sample_format = SOUND_CODECS[extension]
    rate = _OPUS_RATE if extension == "opus" else RATE
    seconds = max(0.5, min(facts.seconds, MAX_SECONDS))
    time = np.arange(int(seconds * rate)) / rate
    pitch = 220.0 * 2 ** ((facts.seed % 12) / 12)
    wave = sum(np.sin(2 * math.pi * pitch * ratio * time) for ratio in (1, 1.25, 1.5)) / 3
    samples = (wave * np.exp(-time) * 20_000).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="mono")
        stream.format = sample_format
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=sample_format, layout="mono", rate=rate)
        fifo = av.AudioFifo()
        for piece in resampler.resample(frame):
            fifo.write(piece)
        size = stream.frame_size or 1024
        while (piece := fifo.read(size, partial=True)) is not None:
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return file.getvalue()


def encode_svg(facts: Facts) -> bytes:
    """A drawing that scales."""
    hue, middle = facts.seed % 360, facts.width // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {facts.width} {facts.height}">'
        f'<rect width="100%" height="100%" fill="hsl({hue} 50% 40%)"/>'
        f'<text x="{middle}" y="{facts.height // 2}" fill="white" font-size="{max(8, facts.width // 8)}" '
        f'text-anchor="middle">{WORD}</text></svg>\n'
    ).encode()


def encode_mesh(facts: Facts) -> bytes:
    """A torus as binary glTF 2.0 that says what it is in its metadata; another seed gives another ring."""
    rings, sides = 32, 16
    inner = 0.25 + (facts.seed % 7) / 40
    around, across = np.meshgrid(np.arange(rings), np.arange(sides), indexing="ij")
    angle, turn = around * 2 * math.pi / rings, across * 2 * math.pi / sides
    reach = 1 + inner * np.cos(turn)
    points = np.stack([reach * np.cos(angle), inner * np.sin(turn), reach * np.sin(angle)], -1).reshape(-1, 3)
    corner = around * sides + across
    right, up = (around + 1) % rings * sides + across, around * sides + (across + 1) % sides
    far = (around + 1) % rings * sides + (across + 1) % sides
    faces = np.stack([corner, up, right, right, up, far], -1).reshape(-1, 3)
    return write_glb(points, faces, generator=f"{WORD} by the stand-in engine ({facts.label})")
