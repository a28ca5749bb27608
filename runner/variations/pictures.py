"""One small picture of what a call has given: for the sheet, and to be kept until it is made."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from runner.endpoint_tests.sample import make_sample
from runner.endpoint_tests.validity import open_picture

if TYPE_CHECKING:
    from codegen.model import JsonObject

EDGE: Final = 320
"""Pixels: eight side by side are still told apart."""
QUALITY: Final = 85
TEXT_CHARACTERS: Final = 600
TEXT_COLUMNS: Final = 44
PAPER: Final = (250, 250, 252)
INK: Final = (36, 41, 47)


def picture_of(outputs: list[tuple[JsonObject, bytes]]) -> bytes | None:
    """A JPEG of what shows most: a picture, frames of a video, the wave of a sound, a mesh, the beginning of a text."""
    sample = make_sample(outputs)
    if sample is None:
        return None
    if sample.media_type.startswith("text/"):
        return jpeg(_page(sample.data.decode("utf-8", "replace")[:TEXT_CHARACTERS]))
    data = sample.data if sample.media_type.startswith("image/") else sample.preview
    if data is None:
        return None
    picture = open_picture(data)
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        picture = Image.new("RGB", seen.size, PAPER)
        picture.paste(seen, mask=seen.getchannel("A"))
    small = picture.convert("RGB")
    small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    return jpeg(small)


def jpeg(picture: Image.Image, quality: int = QUALITY) -> bytes:
    """The same pixels give the same bytes."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own: the same on every machine. Letters that it lacks are boxes; the numbers of cells never are."""
    return ImageFont.load_default(size)


def _page(text: str) -> Image.Image:
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, TEXT_COLUMNS) or [""]]
    page = Image.new("RGB", (EDGE, EDGE), PAPER)
    seen = "\n".join("".join(char if char.isprintable() else " " for char in line) for line in lines)
    ImageDraw.Draw(page).multiline_text((12, 10), seen, fill=INK, font=font(13), spacing=5)
    return page
