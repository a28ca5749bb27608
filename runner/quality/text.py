"""What is measured of a text: whether it is one, and whether it goes on."""

from __future__ import annotations

import zlib
from typing import Final

from runner.quality.scoring import Measured, Scale, on_scale, told

LOOKED_AT: Final = 100_000
"""Characters."""
LONG_ENOUGH: Final = 300
"""Characters, to say that it repeats itself; a shorter text packs badly whatever it is."""
READABLE: Final = Scale(0.7, 0.95)
REPETITION: Final = Scale(0.03, 0.1)


def measure_text(content: bytes) -> tuple[Measured, ...]:
    """Of UTF-8; bytes that are none count as unreadable."""
    text = content.decode("utf-8", "replace").strip()[:LOOKED_AT]
    if not text:
        return (on_scale("length", 0, Scale(0, 1), unit="characters", detail="there is nothing in it"),)
    bad = sum(1 for char in text if char == "\N{REPLACEMENT CHARACTER}" or not (char.isprintable() or char.isspace()))
    readable = 1 - bad / len(text)
    measures = [
        told("length", len(text), unit="characters", detail=f"{len(text):,} characters"),
        on_scale("readable", readable, READABLE, detail=f"{readable:.0%} of its characters can be read"),
    ]
    if len(text) >= LONG_ENOUGH:
        data = text.encode()
        packed = len(zlib.compress(data, 9)) / len(data)
        measures.append(on_scale("repetition", packed, REPETITION, detail=f"it packs to {packed:.0%} of its length"))
    return tuple(measures)
