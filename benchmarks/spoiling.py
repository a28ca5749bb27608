"""Ways to spoil pictures, videos, sounds and meshes, for benchmarks/quality.py: what broken workflows really make.

Each way is random in details, from a generator that is given, so that a run can be repeated.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Random = np.random.Generator
    SpoilPicture = Callable[[Image.Image, Random], Image.Image]
    Frames = list[Image.Image]
    SpoilFrames = Callable[[Frames, Random], Frames]

GAMMA = 2.2
TORN, NOWHERE = 0.7, 0.05
"""Parts of the triangles of a mesh."""


def _pixels(picture: Image.Image) -> Array:
    return np.asarray(picture, np.float64)


def _picture(pixels: Array) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _light(factor: float) -> SpoilPicture:
    def spoil(picture: Image.Image, _: Random) -> Image.Image:
        linear = (_pixels(picture) / 255) ** GAMMA * factor
        return _picture(np.clip(linear, 0, 1) ** (1 / GAMMA) * 255)

    return spoil


def _blurred(part: float) -> SpoilPicture:
    """By a part of the longer edge."""
    return lambda picture, _: picture.filter(ImageFilter.GaussianBlur(max(picture.size) * part))


def _black(picture: Image.Image, random: Random) -> Image.Image:
    return _picture(random.normal(0, 1, _pixels(picture).shape))


def _flat(picture: Image.Image, random: Random) -> Image.Image:
    return _picture(random.integers(40, 220, 3) + random.normal(0, 1, _pixels(picture).shape))


def _noise(picture: Image.Image, random: Random) -> Image.Image:
    return _picture(random.uniform(0, 255, _pixels(picture).shape))


def _grey_noise(picture: Image.Image, random: Random) -> Image.Image:
    return _picture(np.repeat(random.normal(127, 60, (picture.height, picture.width, 1)), 3, 2))


def _noisy(picture: Image.Image, random: Random) -> Image.Image:
    pixels = _pixels(picture)
    return _picture(pixels + random.normal(0, 50, pixels.shape))


def _not_numbers(picture: Image.Image, random: Random) -> Image.Image:
    """A third of the pixels is what a cast makes of NaN and infinity."""
    pixels = _pixels(picture).copy()
    hit = random.random(pixels.shape[:2]) < 1 / 3
    pixels[hit] = random.choice([0, 255], (int(hit.sum()), 3))
    return _picture(pixels)


def _latents(picture: Image.Image, random: Random) -> Image.Image:
    """Random colours, one for each cell of 8 pixels."""
    cells = (max(2, picture.height // 8), max(2, picture.width // 8), 3)
    return Image.fromarray(random.integers(0, 256, cells, dtype=np.uint8))


def _vae_blocks(picture: Image.Image, random: Random) -> Image.Image:
    return _latents(picture, random).resize(picture.size, Image.Resampling.NEAREST)


def _vae_blobs(picture: Image.Image, random: Random) -> Image.Image:
    return _latents(picture, random).resize(picture.size, Image.Resampling.BICUBIC)


def _not_denoised(picture: Image.Image, random: Random) -> Image.Image:
    """Half of it is still latent noise, as when a sampler stops early."""
    return _picture(_pixels(picture) * 0.5 + 64 + (_pixels(_vae_blobs(picture, random)) - 127) * 0.8)


def _washed_out(picture: Image.Image, _: Random) -> Image.Image:
    return _picture(_pixels(picture) * 0.06 + 120)


def _burnt(picture: Image.Image, _: Random) -> Image.Image:
    """As with a guidance that is much too high."""
    return _picture((_pixels(picture) - 128) * 12 + 128)


def _shuffled(picture: Image.Image, random: Random) -> Image.Image:
    """Cells of 8 pixels in another order."""
    height, width = picture.height // 8 * 8, picture.width // 8 * 8
    cells = _pixels(picture)[:height, :width].reshape(height // 8, 8, width // 8, 8, 3).transpose(0, 2, 1, 3, 4)
    mixed = cells.reshape(-1, 8, 8, 3)[random.permutation(height * width // 64)].reshape(cells.shape)
    return _picture(mixed.transpose(0, 2, 1, 3, 4).reshape(height, width, 3))


def _hole(picture: Image.Image, _: Random) -> Image.Image:
    """Black in the middle of it, as one bad tile."""
    pixels = _pixels(picture).copy()
    pixels[picture.height // 4 :, picture.width // 8 : picture.width * 7 // 8] = 0
    return _picture(pixels)


PICTURES: dict[str, SpoilPicture] = {
    "black": _black,
    "flat": _flat,
    "washed out": _washed_out,
    "under-exposed": _light(1 / 32),
    "over-exposed": _light(8),
    "burnt": _burnt,
    "blurred": _blurred(0.015),
    "slightly blurred": _blurred(0.006),
    "noise": _noise,
    "grey noise": _grey_noise,
    "noisy": _noisy,
    "NaN pixels": _not_numbers,
    "VAE blocks": _vae_blocks,
    "VAE blobs": _vae_blobs,
    "not denoised": _not_denoised,
    "shuffled cells": _shuffled,
    "black hole": _hole,
}


def _each(spoil: SpoilPicture) -> SpoilFrames:
    return lambda frames, random: [spoil(frame, random) for frame in frames]


def _frozen(frames: Frames, _: Random) -> Frames:
    return [frames[0]] * len(frames)


def _stuck(frames: Frames, _: Random) -> Frames:
    """After a tenth of it nothing moves."""
    return [frames[min(index, len(frames) // 10)] for index in range(len(frames))]


def _unrelated(frames: Frames, random: Random) -> Frames:
    """Each frame is noise with a little of the picture in it."""
    return [_picture(_pixels(frame) * 0.1 + _pixels(_vae_blobs(frame, random)) * 0.9) for frame in frames]


VIDEOS: dict[str, SpoilFrames] = {
    "frozen": _frozen,
    "stuck": _stuck,
    "black": _each(_black),
    "noise": _each(_noise),
    "washed out": _each(_washed_out),
    "under-exposed": _each(_light(1 / 32)),
    "over-exposed": _each(_light(8)),
    "blurred": _each(_blurred(0.015)),
    "not denoised": _each(_not_denoised),
    "unrelated frames": _unrelated,
}

SOUNDS: dict[str, Callable[[Array, Random], Array]] = {
    "silent": lambda wave, _: np.zeros_like(wave),
    "faint": lambda wave, _: wave / 3000,
    "clipped": lambda wave, _: np.clip(wave * 20, -1, 1),
    "noise": lambda wave, random: random.uniform(-0.5, 0.5, wave.shape),
    "noisy": lambda wave, random: np.clip(wave * 0.1 + random.normal(0, 0.3, wave.shape), -1, 1),
    "cut off": lambda wave, _: np.where(np.arange(len(wave)) < len(wave) // 100, wave, 0),
    "offset": lambda wave, _: np.clip(wave * 0.3 + 0.6, -1, 1),
}


def _spikes(mesh: Array, random: Random) -> Array:
    spoilt = mesh.copy()
    spoilt += random.normal(0, np.ptp(mesh), spoilt.shape) * (random.random((*spoilt.shape[:2], 1)) < 1 / 3)
    return spoilt


def _mixed_up(mesh: Array, random: Random) -> Array:
    return random.permutation(mesh.reshape(-1, 3)).reshape(mesh.shape)


def _flattened(mesh: Array, _: Random) -> Array:
    return mesh * [1, 0, 0]


def _torn(mesh: Array, random: Random) -> Array:
    """Most triangles have no area."""
    spoilt = mesh.copy()
    spoilt[random.random(len(mesh)) < TORN] = mesh[:1, :1]
    return spoilt


def _nowhere(mesh: Array, random: Random) -> Array:
    spoilt = mesh.copy()
    spoilt[random.random(len(mesh)) < NOWHERE] = np.nan
    return spoilt


MESHES: dict[str, Callable[[Array, Random], Array]] = {
    "spikes": _spikes,
    "mixed up": _mixed_up,
    "flattened": _flattened,
    "torn": _torn,
    "NaN": _nowhere,
}


def made_meshes(random: Random, count: int) -> list[Array]:
    """Closed surfaces of all sorts, as corners of triangles: the packages have none."""
    found: list[Array] = []
    for _ in range(count):
        rings, sides = (int(each) for each in random.integers(12, 60, 2))
        turn, around = np.meshgrid(
            np.linspace(0, 2 * math.pi, sides, endpoint=False), np.linspace(0.05, math.pi - 0.05, rings), indexing="xy"
        )
        bumps = sum(
            random.normal(0, 0.12)
            * np.cos(random.integers(1, 5) * turn + random.uniform(0, 6))
            * np.sin(random.integers(1, 4) * around)
            for _ in range(4)
        )
        radius = 1 + bumps
        points = np.stack(
            [radius * np.sin(around) * np.cos(turn), radius * np.cos(around), radius * np.sin(around) * np.sin(turn)],
            -1,
        ) * random.uniform(0.3, 2, 3)
        beside, below = np.roll(points, -1, 1)[:-1], points[1:]
        far = np.roll(points, -1, 1)[1:]
        first = np.stack([points[:-1], below, beside], 2).reshape(-1, 3, 3)
        second = np.stack([beside, below, far], 2).reshape(-1, 3, 3)
        found.append(np.concatenate([first, second]))
    return found
