"""The contact sheet: every cell with its number and its values, in rows that differ in one thing from left to right."""

from __future__ import annotations

import io
from math import ceil, isqrt
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

from runner.variations.pictures import EDGE, INK, PAPER, font, jpeg
from runner.variations.words import value_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import ImageFont

    from runner.variations.model import CellResult, Grid, Variations

MOST_COLUMNS: Final = 8
GAP: Final = 14
"""Pixels between tiles, and around them."""
LINE: Final = 20
MOST_LINES: Final = 3
"""Of values; what does not fit in them is cut: the table has all of it."""
HEAD: Final = 46
NUMBER_SIZE: Final = 17
LABEL_SIZE: Final = 15
MAX_SHEET_BYTES: Final = 900_000
"""Git keeps every version of it for ever."""
QUALITIES: Final = (85, 75, 65, 50, 35)
"""Tried until it is small enough; then it is made smaller."""
FRAME: Final = (208, 215, 222)
MARK: Final = (26, 127, 55)
GREY: Final = (101, 109, 118)
FAULT: Final = (207, 34, 46)


def draw_sheet(name: str, variations: Variations, pictures: Mapping[int, bytes]) -> bytes:
    """A JPEG of at most `MAX_SHEET_BYTES`. `pictures`: by the cells' numbers."""
    grid = variations.grid
    columns = columns_of(grid)
    results = {cell.number: cell for cell in variations.cells}
    best = variations.recommendation.number if variations.recommendation else None
    thumbs = {number: _opened(data) for number, data in pictures.items()}
    height = max((thumb.height for thumb in thumbs.values()), default=EDGE // 2)
    scratch = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    labels = {cell.number: _label(scratch, grid, cell.inputs) for cell in grid.cells}
    tile = (EDGE, height + (1 + max(map(len, labels.values()))) * LINE + 10)
    rows = ceil(grid.size / columns)
    sheet = Image.new("RGB", (GAP + columns * (tile[0] + GAP), HEAD + rows * (tile[1] + GAP) + GAP), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    head = f"{name}: {len(variations.made)} of {grid.size} variations" + (", SIMULATED" if variations.simulated else "")
    draw.text((GAP, 12), _fitted(draw, head, font(20), sheet.width - 2 * GAP), fill=INK, font=font(20))
    for index, cell in enumerate(grid.cells):
        row, column = divmod(index, columns)
        left, top = GAP + column * (tile[0] + GAP), HEAD + row * (tile[1] + GAP)
        draw.rectangle((left, top, left + EDGE - 1, top + height - 1), fill=PAPER, outline=FRAME)
        thumb = thumbs.get(cell.number)
        if thumb is not None:
            sheet.paste(thumb, (left + (EDGE - thumb.width) // 2, top + (height - thumb.height) // 2))
        else:
            _say(draw, (left + EDGE // 2, top + height // 2), results.get(cell.number))
        title = f"{cell.number}  recommended" if cell.number == best else str(cell.number)
        draw.text((left, top + height + 6), title, fill=MARK if cell.number == best else INK, font=font(NUMBER_SIZE))
        for at, line in enumerate(labels[cell.number], 1):
            draw.text((left, top + height + 8 + at * LINE), line, fill=GREY, font=font(LABEL_SIZE))
        if cell.number == best:
            draw.rectangle((left - 4, top - 4, left + EDGE + 3, top + height + 3), outline=MARK, width=4)
    return _bounded(sheet)


def columns_of(grid: Grid) -> int:
    """As many as the last input has values, if others vary, too; else about as many as rows."""
    last = next((axis for axis in reversed(grid.axes) if len(axis.values) > 1), None)
    if last is not None and len(grid.varied) > 1 and len(last.values) <= MOST_COLUMNS:
        return len(last.values)
    return min(MOST_COLUMNS, max(1, isqrt(max(grid.size - 1, 0)) + 1))


def _say(draw: ImageDraw.ImageDraw, middle: tuple[int, int], result: CellResult | None) -> None:
    """Why there is nothing to see."""
    if result is None:
        words, colour = "not made", GREY
    elif result.state == "failed":
        words, colour = "failed", FAULT
    else:
        words, colour = "no picture", GREY
    draw.text(middle, words, fill=colour, font=font(20), anchor="mm")


def _label(draw: ImageDraw.ImageDraw, grid: Grid, inputs: Mapping[str, object]) -> tuple[str, ...]:
    """The values in lines that fit below a tile."""
    face = font(LABEL_SIZE)
    words = ", ".join(f"{name} {value_words(inputs[name])}" for name in grid.varied or inputs).split(" ")
    lines: list[str] = []
    while words and len(lines) < MOST_LINES:
        line = words.pop(0)
        while words and draw.textlength(f"{line} {words[0]}", font=face) <= EDGE:
            line = f"{line} {words.pop(0)}"
        lines.append(line)
    rest = " ".join([lines[-1], *words])[:EDGE] if lines else ""  # no letter is narrower than a pixel
    return tuple(_fitted(draw, line, face, EDGE) for line in (*lines[:-1], rest))


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    if draw.textlength(text, font=face) <= width:
        return text
    while text and draw.textlength(f"{text}…", font=face) > width:
        text = text[:-1]
    return f"{text}…"


def _opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((EDGE, EDGE))
    return picture


def _bounded(sheet: Image.Image) -> bytes:
    while True:
        for quality in QUALITIES:
            data = jpeg(sheet, quality)
            if len(data) <= MAX_SHEET_BYTES:
                return data
        sheet = sheet.resize((sheet.width * 3 // 4, sheet.height * 3 // 4), Image.Resampling.LANCZOS)
