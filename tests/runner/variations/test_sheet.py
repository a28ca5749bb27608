"""The sheet that people choose from: bounded, the same for the same pictures, and readable whatever is on it."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.endpoint_tests.sample_media import sample_media
from runner.variations.files import MAX_RECORD_BYTES, RECORD, SHEET, files, read_record
from runner.variations.model import Axis, Grid, Recommendation, Variations
from runner.variations.pictures import EDGE, jpeg, picture_of
from runner.variations.sheet import MAX_SHEET_BYTES, columns_of, draw_sheet
from tests.runner.variations.apps import cell, record


def noise(seed: int, size: tuple[int, int] = (EDGE, EDGE)) -> bytes:
    """What JPEG is worst at."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return jpeg(Image.fromarray(pixels), 95)


def grid(**axes: tuple[Any, ...]) -> Grid:
    return Grid(axes=tuple(Axis(name=name, values=values) for name, values in axes.items()))


@pytest.mark.long
def test_the_largest_grid_of_the_worst_pictures_stays_below_its_bound() -> None:
    made = grid(seed=tuple(range(8)), steps=tuple(range(1, 9)))
    pictures = dict.fromkeys(range(1, 65), noise(1))
    results = tuple(cell(each.number, inputs=each.inputs) for each in made.cells)
    sheet = draw_sheet("poster", Variations(grid=made, cells=results), pictures)
    assert len(sheet) <= MAX_SHEET_BYTES
    seen = Image.open(io.BytesIO(sheet))
    assert 0.5 < seen.width / seen.height < 2


def test_the_same_cells_give_the_same_bytes_whenever_it_is_drawn() -> None:
    made = Variations(grid=grid(steps=(20, 30)), cells=(cell(1), cell(2, state="failed", reason="no")))
    assert draw_sheet("poster", made, {1: noise(1)}) == draw_sheet("poster", made, {1: noise(1)})
    assert draw_sheet("poster", made, {1: noise(1)}) != draw_sheet("poster", made, {1: noise(2)})


def test_many_inputs_with_one_value_each_are_drawn_soon() -> None:
    made = grid(**{f"{'i' * 90}{number}": ("l" * 2000,) for number in range(64)})
    began = time.process_time()
    draw_sheet("poster", Variations(grid=made), {})
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "value",
    ["", "\n\0\x1b[31m\u202e", "🦊" * 100, "a" * 2000, "日本語のとても長い説明" * 20, -1e300, 2**64 - 1],
    ids=["nothing", "controls", "foxes", "one long word", "Japanese", "a fraction", "a seed"],
)
def test_any_value_is_drawn_without_a_complaint(value: Any) -> None:
    made = Variations(
        grid=grid(prompt=(value, "b")),
        cells=(cell(1), cell(2)),
        recommendation=Recommendation(number=1, reason=""),
        simulated=True,
    )
    assert Image.open(io.BytesIO(draw_sheet("p" * 100, made, {}))).width > EDGE


def test_rows_differ_in_one_thing_from_left_to_right() -> None:
    assert columns_of(grid(seed=(1, 2), steps=(1, 2, 3))) == 3
    assert columns_of(grid(seed=(1, 2, 3), cfg=(7.0,))) == 2
    assert columns_of(grid(seed=tuple(range(9)))) == 3
    assert columns_of(grid(seed=(1, 2), steps=tuple(range(20)))) == 7
    assert columns_of(grid(seed=(1,))) == 1


@pytest.mark.parametrize(
    "kind", ["image", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("video", "audio", "mesh"))]
)
def test_every_kind_of_output_has_a_picture_small_enough_to_be_kept(kind: str) -> None:
    media_type, content = sample_media(kind)
    suffix = {"image": "png", "video": "mp4", "audio": "wav", "mesh": "glb"}[kind]
    picture = picture_of([({"kind": kind, "filename": f"x.{suffix}", "media_type": media_type}, content)])
    assert picture is not None
    seen = Image.open(io.BytesIO(picture))
    assert max(seen.size) <= EDGE
    assert len(picture) < 100_000


def test_a_text_is_shown_as_a_page_and_what_nobody_can_show_as_nothing() -> None:
    text = {"kind": "text", "filename": "x.txt", "media_type": "text/plain"}
    picture = picture_of([(text, b"A fox.\n\0\x1b[31m Twice.")])
    assert picture is not None
    assert picture_of([({"kind": "file", "filename": "x.bin", "media_type": "application/x"}, b"1")]) is None


def test_what_is_committed_is_read_back_as_it_was() -> None:
    made = record(grid(prompt=("a\nb", "c"), cfg=(5.0, 7.5)), cell(1, inputs={"prompt": "a\nb", "cfg": 5.0}))
    written = files(made, {})
    assert set(written) == {RECORD, SHEET}
    assert len(written[RECORD]) < MAX_RECORD_BYTES
    assert json.loads(written[RECORD])["variations"]["cells"][0]["inputs"]["cfg"] == 5.0
    assert read_record(written[RECORD]) == made
