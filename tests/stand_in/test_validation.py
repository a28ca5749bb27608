"""Refusals in the server's own words; each was seen on a real one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.catalog import load_catalog
from runner.stand_in.files import Files
from runner.stand_in.validation import fits, validate

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = load_catalog("0.33.0")
EMPTY = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}


def save(*link: Any) -> dict[str, Any]:
    return {"class_type": "SaveImage", "inputs": {"images": list(link), "filename_prefix": "x"}}


def empty(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "EmptyImage", "inputs": {**EMPTY["inputs"], **inputs}}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"))


WHOLE = [
    ({}, "prompt_no_outputs", "Prompt has no outputs"),
    ({"1": EMPTY}, "prompt_no_outputs", "Prompt has no outputs"),
    (
        {"1": {"class_type": "NoSuchNode", "inputs": {}, "_meta": {"title": "My node"}}, "2": save("1", 0)},
        "missing_node_type",
        "Node 'My node' not found. The custom node may not be installed.",
    ),
    (
        {"1": {"inputs": {}}},
        "missing_node_type",
        "Node 'Node ID #1' has no class_type. The workflow may be corrupted or a custom node is missing.",
    ),
]


@pytest.mark.parametrize(("prompt", "kind", "message"), WHOLE)
def test_some_prompts_are_refused_as_a_whole(files: Files, prompt: Any, kind: str, message: str) -> None:
    error = validate(prompt, CATALOG, files).error
    assert error
    assert (error["type"], error["message"]) == (kind, message)


FAULTS = [
    (empty(width=0), "value_smaller_than_min", "Value 0 smaller than min of 1", "width"),
    (empty(width=99999), "value_bigger_than_max", "Value 99999 bigger than max of 16384", "width"),
    (
        empty(width="abc"),
        "invalid_input_type",
        "Failed to convert an input value to a INT value",
        "width, abc, invalid literal for int() with base 10: 'abc'",
    ),
    (
        empty(width=[1, 2, 3]),
        "bad_linked_input",
        "Bad linked input, must be a length-2 list of [node_id, slot_index]",
        "width",
    ),
    (empty(width=["a", "b"]), "exception_during_inner_validation", "Exception when validating inner node", "'a'"),
    (
        {"class_type": "LoadImage", "inputs": {"image": "no such file.png"}},
        "custom_validation_failed",
        "Custom validation failed for node",
        "image - Invalid image file: no such file.png",
    ),
    (
        {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "dependency_cycle",
        "Dependency cycle detected",
        "1 (ImageInvert) -> 1 (ImageInvert)",
    ),
    (
        {"class_type": "BatchImagesNode", "inputs": {"images.image1": ["9", 0]}},
        "required_input_missing",
        "Required input is missing",
        "image0",
    ),
]


@pytest.mark.parametrize(("node", "kind", "message", "details"), FAULTS)
def test_a_fault_names_its_node_and_the_outputs_that_suffer(
    files: Files, node: Any, kind: str, message: str, details: str
) -> None:
    prompt = {"1": copy.deepcopy(node), "2": save("1", 0), "9": EMPTY}
    verdict = validate(prompt, CATALOG, files)
    assert verdict.error
    assert verdict.error["type"] == "prompt_outputs_failed_validation"
    fault = verdict.node_errors["1"]
    assert fault["dependent_outputs"] == ["2"]
    assert (kind, message, details) in [(e["type"], e["message"], e["details"]) for e in fault["errors"]]


def test_what_is_valid_runs_although_something_else_is_not(files: Files) -> None:
    prompt = {"1": EMPTY, "2": save("1", 0), "3": save("1", 7)}
    verdict = validate(copy.deepcopy(prompt), CATALOG, files)
    assert (verdict.error, verdict.outputs) == (None, ("2",))
    assert list(verdict.node_errors) == ["3"]


def test_a_stand_in_owns_no_models_and_takes_every_name_of_one(files: Files) -> None:
    loader = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "mine.safetensors"}}
    prompt = {"1": loader, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}
    assert validate(prompt, CATALOG, files).error is None


def test_numbers_that_came_as_text_are_converted(files: Files) -> None:
    prompt = {"1": empty(width="64"), "2": save("1", 0)}
    assert validate(prompt, CATALOG, files).error is None
    assert prompt["1"]["inputs"]["width"] == 64


@pytest.mark.parametrize(
    ("received", "wanted", "fit"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("*", "MASK", True),
        ("INT", "INT,FLOAT", True),
        ("A,B", "C, B", True),
    ],
)
def test_types_fit_as_the_server_thinks(received: str, wanted: str, *, fit: bool) -> None:
    assert fits(received, wanted) is fit


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["1", "2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
nodes = st.fixed_dictionaries(
    {"class_type": st.sampled_from(["EmptyImage", "SaveImage", "BatchImagesNode", "ResizeImageMaskNode", "LoadImage"])},
    optional={
        "inputs": st.dictionaries(
            st.sampled_from(["width", "images", "images.image0", "resize_type", "image", "filename_prefix"]),
            json_values | st.tuples(st.sampled_from(["1", "2", "3"]), st.integers(-2, 2)).map(list),
        ),
        "_meta": json_values,
    },
)


@given(st.dictionaries(st.sampled_from(["1", "2", "3"]), nodes | json_values))
def test_no_prompt_breaks_it(tmp_path_factory: pytest.TempPathFactory, prompt: dict[str, Any]) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "fuzz"
    verdict = validate(prompt, CATALOG, Files(folder))
    assert (verdict.error is None) == bool(verdict.outputs)
