"""What is measured of a sound: whether there is one all along, and whether it is more than noise or a cut-off wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.quality.length import length
from runner.quality.scoring import Measured, Scale, on_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runner.quality.expected import Expected

    Samples = NDArray[np.float32]

WINDOW_SECONDS: Final = 0.05
SILENT: Final = 1e-3
"""Root of the mean square of a window that counts as silent: -60 dB of full scale."""
LOUDEST: Final = 95
"""Percentile of the windows: how loud it is where it is loud."""
FULL: Final = 0.985
"""Of full scale: what an encoder makes of a sample at the limit."""
CLIPPED_RUN: Final = 3
"""Samples at the limit in a row; a peak of good music has one or two."""
FRAME: Final = 2048
BAND: Final = (100.0, 10_000.0)
"""Hertz. Below is hum, above is what encoders leave out."""
FLOOR: Final = 1e-12

LOUDNESS: Final = Scale(-60.0, -40.0)
SILENCE: Final = Scale(0.98, 0.8)
CLIPPING: Final = Scale(0.05, 0.005)
NOISE: Final = Scale(0.9, 0.55)
OFFSET: Final = Scale(0.4, 0.1)


def measure_audio(samples: Samples, rate: int, seconds: float, wanted: Expected) -> tuple[Measured, ...]:
    """Of one channel.

    Args:
        samples: from -1 to 1, perhaps only of the beginning.
        rate: samples per second.
        seconds: of the whole sound.
        wanted: its length, if anybody knows.
    """
    whole = samples[: len(samples) // _window(rate) * _window(rate)] if len(samples) >= _window(rate) else samples
    windows = whole.reshape(-1, min(_window(rate), max(1, len(whole)))).astype(np.float64)
    loud = np.sqrt((windows**2).mean(1)) if windows.size else np.zeros(1)
    loudness = 20 * float(np.log10(max(float(np.percentile(loud, LOUDEST)), FLOOR)))
    silent = float((loud < SILENT).mean())
    clipped = _clipped(samples)
    flat = _flatness(samples, rate)
    offset = abs(float(samples.mean())) if len(samples) else 0.0
    return (
        on_scale("loudness", loudness, LOUDNESS, unit="dBFS", detail=f"{loudness:.0f} dBFS where it is loudest"),
        on_scale("silence", silent, SILENCE, detail=f"{silent:.0%} of it is silent"),
        on_scale("clipping", clipped, CLIPPING, detail=f"{clipped:.1%} of it is cut off at full scale"),
        on_scale("noise", flat, NOISE, detail=f"its spectrum is {flat:.0%} as flat as white noise"),
        on_scale("offset", offset, OFFSET, detail=f"its mean is {offset:.2f} of full scale away from zero"),
        *length(seconds, wanted.seconds, "seconds"),
    )


def _window(rate: int) -> int:
    return max(1, int(rate * WINDOW_SECONDS))


def _clipped(samples: Samples) -> float:
    """The part of it that stands at full scale for `CLIPPED_RUN` samples or longer."""
    at_limit = np.abs(samples) >= FULL
    if len(samples) < CLIPPED_RUN:
        return 0.0
    runs = np.convolve(at_limit, np.ones(CLIPPED_RUN), "valid") >= CLIPPED_RUN
    inside = np.convolve(runs, np.ones(CLIPPED_RUN)) > 0
    return float(inside.mean())


def _flatness(samples: Samples, rate: int) -> float:
    """Geometric by arithmetic mean of the spectrum: 1 for white noise. https://en.wikipedia.org/wiki/Spectral_flatness."""
    count = len(samples) // FRAME
    if count == 0:
        return 0.0
    frames = samples[: count * FRAME].reshape(count, FRAME).astype(np.float64)
    frames = frames[np.sqrt((frames**2).mean(1)) >= SILENT]
    if not len(frames):
        return 0.0
    power: NDArray[Any] = (np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)) ** 2).mean(0)
    frequencies = np.fft.rfftfreq(FRAME, 1 / rate)
    heard = power[(frequencies >= BAND[0]) & (frequencies <= BAND[1])] + FLOOR
    return float(np.exp(np.log(heard).mean()) / heard.mean()) if heard.size else 0.0
