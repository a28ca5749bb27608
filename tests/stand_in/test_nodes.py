"""Nodes that are really run: what they give is known without running ComfyUI."""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runner.stand_in.errors import NodeError
from runner.stand_in.nodes.expression import evaluate
from runner.stand_in.nodes.patterns import MAX_SECONDS
from tests.engine import stand_in
from tests.stand_in.test_protocol import Client, node

if TYPE_CHECKING:
    from collections.abc import Iterator

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
CORNERS = [[RED, GREEN], [BLUE, (255, 255, 255)]]
"""A picture of two by two pixels."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Client]:
    with stand_in() as url:
        client = Client(url)
        file = io.BytesIO()
        Image.fromarray(np.array(CORNERS, np.uint8)).save(file, "PNG")
        client.http.post("/upload/image", files={"image": ("corners.png", file.getvalue())})
        yield client
        client.http.close()


def loaded(**more: Any) -> dict[str, Any]:
    return {"corners": node("LoadImage", image="corners.png"), **more}


def pixels(engine: Client, changed: dict[str, Any]) -> list[Any]:
    """Of the first output of `x`."""
    prompt = loaded(x=changed, end=node("PreviewImage", images=["x", 0]))
    return np.asarray(engine.picture(prompt, "end").convert("RGB")).tolist()


def text(engine: Client, made: dict[str, Any], slot: int = 0, **more: Any) -> list[str]:
    entry = engine.run({"x": made, "end": node("PreviewAny", source=["x", slot]), **more})
    assert entry["status"]["status_str"] == "success", entry["status"]
    return entry["outputs"]["end"]["text"]


CORNER: list[Any] = ["corners", 0]
PIXELS: list[tuple[dict[str, Any], list[Any]]] = [
    (node("ImageInvert", image=CORNER), [[(0, 255, 255), (255, 0, 255)], [(255, 255, 0), (0, 0, 0)]]),
    (node("ImageFlip", image=CORNER, flip_method="x-axis: vertically"), CORNERS[::-1]),
    (node("ImageRotate", image=CORNER, rotation="90 degrees"), [[BLUE, RED], [(255, 255, 255), GREEN]]),
    (node("ImageCrop", image=CORNER, width=1, height=2, x=1, y=0), [[GREEN], [(255, 255, 255)]]),
    (
        node("ImageScale", image=CORNER, upscale_method="nearest-exact", width=4, height=2, crop="disabled"),
        [[one for one in row for _ in range(2)] for row in CORNERS],
    ),
    (node("ImageScale", image=CORNER, upscale_method="area", width=1, height=1, crop="disabled"), [[(127, 127, 127)]]),
    (
        node(
            "ResizeAndPadImage",
            image=CORNER,
            target_width=4,
            target_height=2,
            padding_color="black",
            interpolation="area",
        ),
        [[(0, 0, 0), *row, (0, 0, 0)] for row in CORNERS],
    ),
    (node("ImageScaleToMaxDimension", image=CORNER, upscale_method="area", largest_size=1), [[(127, 127, 127)]]),
    (node("Morphology", image=CORNER, operation="dilate", kernel_size=3), [[(255, 255, 255)] * 2] * 2),
    (node("Morphology", image=CORNER, operation="erode", kernel_size=3), [[(0, 0, 0)] * 2] * 2),
    (
        node("ImageBlend", image1=CORNER, image2=CORNER, blend_factor=1.0, blend_mode="difference"),
        [[(0, 0, 0)] * 2] * 2,
    ),
    (node("ImageBlend", image1=CORNER, image2=CORNER, blend_factor=0.5, blend_mode="multiply"), CORNERS),
    (
        node(
            "ResizeImageMaskNode",
            input=CORNER,
            resize_type="scale by multiplier",
            scale_method="area",
            **{"resize_type.multiplier": 0.5},
        ),
        [[(127, 127, 127)]],
    ),
]


@pytest.mark.parametrize(("changed", "wanted"), PIXELS, ids=[str(changed["class_type"]) for changed, _ in PIXELS])
def test_pixels_are_what_arithmetic_says(engine: Client, changed: dict[str, Any], wanted: list[Any]) -> None:
    assert pixels(engine, changed) == [[list(pixel) for pixel in row] for row in wanted]


def regex(class_type: str, pattern: str, **more: Any) -> dict[str, Any]:
    settings = {"case_insensitive": False, "multiline": False, "dotall": False}
    return node(class_type, string="a1 b2 c3", regex_pattern=pattern, **settings, **more)


TEXTS = [
    (node("StringReplace", string="aXa", find="a", replace="b"), "bXb"),
    (regex("RegexExtract", r"([a-c])(\d)", mode="All Groups", group_index=2), "1\n2\n3"),
    (regex("RegexExtract", "(", mode="First Match", group_index=1), ""),
    (regex("RegexReplace", r"(\w)(\d)", replace=r"\2\1", count=1), "1a b2 c3"),
    (regex("RegexMatch", "B"), "False"),
    (node("ComfyNumberConvert", value=" 2.5 "), "2.5"),
    (node("ComfyMathExpression", expression="a * 2 + max(a, 10)", **{"values.a": 4}), "18.0"),
]


@pytest.mark.parametrize(("made", "wanted"), TEXTS)
def test_texts_and_numbers_are_really_made(engine: Client, made: dict[str, Any], wanted: str) -> None:
    assert text(engine, made) == [wanted]


def test_an_expression_that_never_ends_is_given_up_and_blocks_nobody(engine: Client) -> None:
    bomb = regex("RegexMatch", r"(\w+\s?)+$") | {"class_type": "RegexMatch"}
    bomb["inputs"]["string"] = "a" * 50 + "!"
    submitted = engine.submit({"x": bomb, "end": node("PreviewAny", source=["x", 0])}).json()["prompt_id"]
    assert engine.http.get("/queue").elapsed.total_seconds() < MAX_SECONDS
    deadline = time.monotonic() + 20
    while not (found := engine.http.get(f"/history/{submitted}").json()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "given up" in str(found[submitted]["status"]["messages"])


def test_a_node_runs_once_for_each_of_a_list(engine: Client) -> None:
    several = {f"inputs.input{index}": word for index, word in enumerate(["a", "b"])}
    entry = engine.run(
        {
            "list": node("CreateList", **several),
            "upper": node("CaseConverter", string=["list", 0], mode="UPPERCASE"),
            "end": node("PreviewAny", source=["upper", 0]),
        }
    )
    assert entry["outputs"]["end"]["text"] == ["A", "B"]


def test_a_switch_runs_only_the_side_it_takes(engine: Client) -> None:
    prompt = loaded(
        huge=node("EmptyImage", width=16384, height=16384, batch_size=4096, color=0),
        x=node("ComfySwitchNode", switch=True, on_true=["corners", 0], on_false=["huge", 0]),
        end=node("PreviewImage", images=["x", 0]),
    )
    assert engine.picture(prompt, "end").size == (2, 2)


def test_what_is_saved_goes_on(engine: Client) -> None:
    prompt = loaded(
        saved=node("SaveImage", images=["corners", 0], filename_prefix="on"),
        x=node("ImageInvert", image=["saved", 0]),
        end=node("PreviewImage", images=["x", 0]),
    )
    assert engine.picture(prompt, "end").convert("RGB").getpixel((0, 0)) == (0, 255, 255)


def test_a_long_video_is_worked_on_frame_by_frame(engine: Client) -> None:
    prompt = {
        "1": node("EmptyHunyuanLatentVideo", width=1280, height=720, length=241, batch_size=1),
        "2": node("VAELoader", vae_name="x.safetensors"),
        "3": node("VAEDecode", samples=["1", 0], vae=["2", 0]),
        "4": node("ImageScale", image=["3", 0], upscale_method="area", width=64, height=36, crop="disabled"),
        "5": node("GetImageSize", image=["4", 0]),
        "6": node("ImageFromBatch", image=["4", 0], batch_index=240, length=1),
        "7": node("PreviewImage", images=["6", 0]),
        "8": node("PreviewAny", source=["5", 2]),
    }
    entry = engine.run(prompt)
    assert entry["outputs"]["8"]["text"] == ["241"]
    assert len(entry["outputs"]["7"]["images"]) == 1


def test_an_error_of_a_node_is_told_as_the_server_tells_it(engine: Client) -> None:
    failure = engine.failure(
        {
            "x": node("ComfyMathExpression", expression="1 / a", **{"values.a": 0}),
            "end": node("PreviewAny", source=["x", 0]),
        }
    )
    assert failure["node_id"] == "x"
    assert failure["node_type"] == "ComfyMathExpression"
    assert failure["exception_type"] == "ValueError"
    assert failure["exception_message"].endswith("division by zero\n")
    assert failure["current_inputs"] == {"expression": ["1 / a"], "values.a": [0]}
    assert isinstance(failure["traceback"], list)


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os')",
        "().__class__",
        "a.real",
        "[x for x in (1,)]",
        "9**9**9**9",
        "pow(9, 99999)",
        "1 << 999999999",
        "(" * 5000,
        "-" * 5000 + "1",
        "",
        "'a' * 9",
        "1e999",
    ],
)
def test_no_expression_does_more_than_arithmetic(hostile: str) -> None:
    with pytest.raises(NodeError):
        evaluate(hostile, {"a": 1})


@given(st.integers(-1000, 1000), st.integers(1, 1000))
def test_arithmetic_is_pythons(a: int, b: int) -> None:
    assert evaluate("a // b * b + a % b", {"a": a, "b": b}) == a
    assert evaluate("min(a, b) if a > b else max(a, b)", {"a": a, "b": b}) == b
    assert evaluate("sum(values) / 2", {"values": [a, b]}) == (a + b) / 2
    assert evaluate("sqrt(b)", {"b": b}) == math.sqrt(b)
