"""Media to call an endpoint with: made here, the same everywhere, and rich enough for a model to find something in."""

# PyAV annotates its functions in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import math
import struct
import wave
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

PICTURE_SIZE = (768, 512)
VIDEO_SIZE = (384, 256)
VIDEO_FRAMES = 49
"""Three seconds. Video models take 4n+1 frames."""
VIDEO_RATE = 16
AUDIO_RATE = 44_100
AUDIO_SECONDS = 3


@cache
def sample_media(kind: str, variant: int = 0) -> tuple[str, bytes]:
    """Media type and bytes for an input of `kind` (image, mask, video, audio, mesh, file); pictures have variants."""
    match kind:
        case "image":
            return "image/png", _png(_scene(PICTURE_SIZE, variant / 4))
        case "mask":
            return "image/png", _png(_mask(variant))
        case "video":
            return "video/mp4", _video()
        case "audio":
            return "audio/wav", _audio()
        case "mesh":
            return "model/gltf-binary", _mesh()
        case _:
            return "text/plain", b"Flowberth sample\n"


def _scene(size: tuple[int, int], time: float) -> Image.Image:
    """Sky, sun, hills and a house; `time` from 0 to 1 lets the sun rise."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - 50 ms that a workflow without media need not pay

    width, height = size
    sky = Image.linear_gradient("L").resize(size)
    picture = Image.merge("RGB", (sky.point(_ramp(90, 250)), sky.point(_ramp(140, 210)), sky.point(_ramp(220, 190))))
    draw = ImageDraw.Draw(picture)
    sun, radius = (width * 0.72, height * (0.42 - 0.22 * time)), height * 0.09
    draw.ellipse((sun[0] - radius, sun[1] - radius, sun[0] + radius, sun[1] + radius), fill=(255, 214, 92))
    for base, swell, colour in ((0.58, 0.06, (96, 132, 110)), (0.70, 0.05, (62, 104, 78)), (0.84, 0.03, (40, 72, 56))):
        line = [(x, height * (base + swell * math.sin(x / width * 6 + base * 20))) for x in range(0, width + 16, 16)]
        draw.polygon([*line, (width, height), (0, height)], fill=colour)
    left, top, side = width * 0.22, height * 0.62, height * 0.2
    draw.rectangle((left, top, left + side, top + side), fill=(222, 196, 160))
    draw.polygon(
        [(left - side * 0.15, top), (left + side / 2, top - side * 0.55), (left + side * 1.15, top)], fill=(150, 62, 48)
    )
    draw.rectangle((left + side * 0.4, top + side * 0.45, left + side * 0.6, top + side), fill=(92, 60, 44))
    return picture


def _ramp(first: int, last: int) -> list[int]:
    return [first + (last - first) * level // 255 for level in range(256)]


def _mask(variant: int) -> Image.Image:
    """White where something is to be changed: a disc in the middle, a quarter of the picture's width."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    width, height = PICTURE_SIZE
    mask = Image.new("RGB", PICTURE_SIZE)
    radius = width // 8 + 4 * variant
    box = (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius)
    ImageDraw.Draw(mask).ellipse(box, fill=(255, 255, 255))
    return mask


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _video() -> bytes:
    """H.264 without sound, which every loader takes."""
    import av  # noqa: PLC0415 - 100 ms
    import numpy as np  # noqa: PLC0415

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=VIDEO_RATE)
        stream.width, stream.height = VIDEO_SIZE
        stream.pix_fmt = "yuv420p"
        for index in range(VIDEO_FRAMES):
            frame = av.VideoFrame.from_ndarray(
                np.asarray(_scene(VIDEO_SIZE, index / (VIDEO_FRAMES - 1))), format="rgb24"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _audio() -> bytes:
    """Three notes, one second each."""
    samples = bytearray()
    for index in range(AUDIO_RATE * AUDIO_SECONDS):
        second, within = divmod(index / AUDIO_RATE, 1)
        pitch = (261.63, 329.63, 392.00)[int(second)]
        samples += struct.pack("<h", int(12_000 * math.sin(2 * math.pi * pitch * within) * (1 - within)))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(AUDIO_RATE)
        sound.writeframes(bytes(samples))
    return file.getvalue()


def _mesh() -> bytes:
    """A pyramid."""
    import numpy as np  # noqa: PLC0415

    from runner.gltf import write_glb  # noqa: PLC0415

    points = np.array([(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1), (0, 1.5, 0)])
    faces = np.array([(0, 1, 2), (0, 2, 3), (0, 4, 1), (1, 4, 2), (2, 4, 3), (3, 4, 0)])
    return write_glb(points, faces, generator="Flowberth sample")
