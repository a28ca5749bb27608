"""A picture of somebody made small and plain: nothing of its file is kept but pixels."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Final

from github_app.submissions.refusal import Refusal
from runner.quality.eight_bits import eight_bits

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = ("PNG", "JPEG", "WEBP")
MOST_PIXELS: Final = 40_000_000
"""Decoded, that is 160 MB for a moment."""
EDGE: Final = 768
"""Pixels: more than it is compared in, and as many as people are shown."""
QUALITY: Final = 90


def small_picture(data: bytes) -> bytes:
    """A JPEG of at most `EDGE` pixels a side, upright, the same for the same file; what is transparent is white in it.

    Raises:
        Refusal: it is no picture that can be shown, or a huge one.
    """
    from PIL import Image  # noqa: PLC0415 - few issues show a picture

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of what is large or damaged
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
            if opened.width * opened.height > MOST_PIXELS:
                raise Refusal("too-large", f"the picture has {opened.width:,} × {opened.height:,} pixels")
            opened.draft("RGB", (EDGE, EDGE))
            upright = eight_bits(_upright(opened))
            small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise Refusal("refused", "it is no PNG, JPEG or WebP picture that can be read") from None
    small.thumbnail((EDGE, EDGE))
    shown = Image.new("RGB", small.size, (255, 255, 255))
    shown.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _upright(picture: Image.Image) -> Image.Image:
    """As its camera says that it was held; as it is, where what it says is damaged."""
    from PIL import ImageOps  # noqa: PLC0415 - few issues show a picture

    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except (struct.error, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError):
        return picture
