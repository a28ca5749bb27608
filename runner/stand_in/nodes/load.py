"""Loading files that came in. Sources: nodes.py, comfy_extras/nodes_video.py, nodes_audio.py, nodes_load_3d.py."""

# PyAV annotates its functions in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from runner.stand_in.errors import NodeError, NotAPicture
from runner.stand_in.node import Call, Given
from runner.stand_in.values import Array, Clip, Pictures, Stored, check_size

if TYPE_CHECKING:
    from pathlib import Path

    from runner.stand_in.node import Run

UPLOADS = {
    "LoadImage": ("image", "Invalid image file"),
    "LoadImageMask": ("image", "Invalid image file"),
    "LoadImageOutput": ("image", "Invalid image file"),
    "LoadAudio": ("audio", "Invalid audio file"),
    "LoadVideo": ("file", "Invalid video file"),
    "Load3D": ("model_file", "Invalid model file"),
    "Load3DAnimation": ("model_file", "Invalid model file"),
}
"""The input that names an uploaded file, and what the server says when there is no such file."""
MAX_FRAMES = 240
"""Frames of a video that are decoded; the rest is left out."""
_NO_ALPHA = (1, 64, 64)
_CHANNELS = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def _path(call: Call) -> Path:
    name, complaint = UPLOADS[call.class_type]
    given = str(call.inputs.get(name))
    path = call.files.given(given)
    if path is None:
        raise NodeError(f"{complaint}: {given}")
    return path


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(path)
            check_size(picture.height, picture.width, 3)
            picture.load()
            return picture
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAPicture(f"cannot identify image file {path.name!r}: {error}") from None


def _image(call: Call) -> Given:
    frames: list[Array] = []
    masks: list[Array] = []
    picture = _opened(_path(call))
    for frame in ImageSequence.Iterator(picture):
        turned = ImageOps.exif_transpose(frame)
        if turned.mode == "I":
            turned = turned.point(lambda level: level * (1 / 255))
        pixels = np.asarray(turned.convert("RGB"), dtype=np.float32) / np.float32(255)
        if frames and pixels.shape != frames[0].shape:
            continue
        frames.append(pixels)
        masks.append(_mask_of(turned))
        check_size(len(frames), *pixels.shape)
    masks = [mask for mask in masks if mask.shape == masks[0].shape]
    return Given((Pictures(np.stack(frames)), np.stack(masks)))


def _mask_of(picture: Image.Image) -> Array:
    if "A" in picture.getbands() or "transparency" in picture.info:
        return 1 - np.asarray(picture.convert("RGBA").getchannel("A"), dtype=np.float32) / np.float32(255)
    return np.zeros(_NO_ALPHA[1:], np.float32)


def _image_mask(call: Call) -> Given:
    picture = ImageOps.exif_transpose(_opened(_path(call)))
    if picture.getbands() != ("R", "G", "B", "A"):
        if picture.mode == "I":
            picture = picture.point(lambda level: level * (1 / 255))
        picture = picture.convert("RGBA")
    channel = _CHANNELS.get(str(call.inputs.get("channel")), "A")
    mask = np.asarray(picture.getchannel(channel), dtype=np.float32) / 255
    return Given(((1 - mask if channel == "A" else mask)[np.newaxis],))


def _video(call: Call) -> Given:
    data = _path(call).read_bytes()
    pictures, fps = decode_video(data)
    return Given((Clip(pictures, fps, source=data),))


def decode_video(data: bytes) -> tuple[Pictures, float]:
    """The first frames of a video, and how many there are in a second.

    Raises:
        NodeError: it is none.
    """
    import av  # noqa: PLC0415 - 100 ms that pictures need not pay
    import av.error  # noqa: PLC0415

    frames: list[Array] = []
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.video:
                raise NodeError("the file has no pictures")
            fps = float(container.streams.video[0].average_rate or 24)
            for frame in container.decode(video=0):
                check_size(len(frames) + 1, frame.height, frame.width, 3)
                frames.append(frame.to_ndarray(format="rgb24").astype(np.float32) / np.float32(255))
                if len(frames) >= MAX_FRAMES:
                    break
    except av.error.FFmpegError as error:
        raise NodeError(f"the file is no video: {error}") from None
    if not frames:
        raise NodeError("the file has no pictures")
    return Pictures(np.stack(frames)), fps


def _audio(call: Call) -> Given:
    path = _path(call)
    return Given((Stored("AUDIO", path.read_bytes(), path.name),))


NODES: dict[str, Run] = {
    "LoadImage": _image,
    "LoadImageOutput": _image,
    "LoadImageMask": _image_mask,
    "LoadVideo": _video,
    "LoadAudio": _audio,
}
