"""What a preflight answers is text of strangers; what it has learned makes the plan exact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from runner.errors import DeployFailed
from runner.preflight import LARGEST_ANSWER, LONGEST_TEXT, MOST_ITEMS, known_definitions, read_preflight

ANSWER: dict[str, Any] = {
    "passed": True,
    "failure": None,
    "engine_version": "0.3.64",
    "imports": [],
    "missing_classes": [],
    "definitions": {},
    "prompt": None,
    "versions": {"torch": "2.9.0"},
    "log_tail": "To see the GUI",
    "seconds": 3.5,
}
SHARPEN = {
    "input": {"required": {"image": ["IMAGE"], "quality": [["low", "high"]], "seed": ["INT", {"min": 0, "max": 99}]}},
    "output": ["IMAGE"],
    "python_module": "custom_nodes.ComfyUI-Sharpen",
}
WORKFLOW = {
    "version": 0.4,
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "inputs": [],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
            "widgets_values": [64, 64, 1, 0],
        },
        {
            "id": 2,
            "type": "Sharpen+",
            "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
            "widgets_values": ["high", 7, "randomize"],
        },
        {
            "id": 3,
            "type": "SaveImage",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
            "outputs": [],
            "widgets_values": ["x"],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
}


def answer(**changes: Any) -> str:
    return json.dumps({**ANSWER, **changes})


def test_an_answer_is_read_and_what_a_newer_runtime_adds_is_not() -> None:
    broken = {"pack": "A", "error": "e", "traceback": "t"}
    found = read_preflight(answer(imports=[broken], passed=False, news="x"))
    assert (found.passed, found.engine_version, found.seconds) == (False, "0.3.64", 3.5)
    assert [one.model_dump() for one in found.imports] == [broken]


def test_one_that_contradicts_itself_has_not_passed() -> None:
    assert not read_preflight(answer(missing_classes=["X"])).passed
    assert not read_preflight(answer(prompt={"error": {"type": "x"}, "node_errors": {}})).passed


@pytest.mark.parametrize("stage", ["models", "boot", "preflight"])
def test_a_comfyui_that_could_not_be_asked_is_a_failed_deployment_of_that_stage(stage: str) -> None:
    with pytest.raises(DeployFailed, match="it died") as caught:
        read_preflight(answer(failure={"stage": stage, "message": "it died"}, log_tail="last words"))
    assert (caught.value.stage, caught.value.log) == (stage, "last words")


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        b"\xff",
        "[]",
        "{",
        "[" * 100_000,
        "x" * (LARGEST_ANSWER + 1),
        answer(passed="yes"),
        answer(imports="none"),
        answer(definitions={"X": "no object"}),
        answer(versions={"x": 1}),
        answer(failure={"stage": "bill", "message": "x"}),
        answer(seconds=float("nan")),
        answer(seconds=None),
    ],
)
def test_what_is_no_answer_is_a_failure_and_no_crash(hostile: object) -> None:
    with pytest.raises(DeployFailed) as caught:
        read_preflight(hostile)
    assert caught.value.stage == "preflight"


def test_much_too_much_is_cut() -> None:
    found = read_preflight(answer(log_tail="x" * 10**6, missing_classes=["x" * 10**6] + ["y"] * 10**5))
    assert len(found.log_tail) == LONGEST_TEXT
    assert (len(found.missing_classes), len(found.missing_classes[0])) == (MOST_ITEMS, LONGEST_TEXT)


def test_a_workflow_with_a_class_nobody_knew_is_converted_exactly_with_its_definition() -> None:
    workflow = parse_workflow(json.dumps(WORKFLOW).encode(), filename="w.json")
    before = make_plan(workflow, filename="w.json")
    assert before.prompt["2"]["inputs"] == {"image": ["1", 0]}, "its values have no name in the file"
    assert "needs-preflight" in {finding.code for finding in before.findings}

    definitions = {"Sharpen+": SHARPEN, "Odd": {"input": "none"}, "SaveImage": {"input": {}, "python_module": "nodes"}}
    found = read_preflight(answer(definitions=definitions))
    known = known_definitions(found.definitions, found.engine_version)
    after = make_plan(workflow, filename="w.json", definitions=known)
    assert after.prompt["2"]["inputs"] == {"image": ["1", 0], "quality": "high", "seed": 7}
    assert "needs-preflight" not in {finding.code for finding in after.findings}
    assert after.prompt["3"]["inputs"] == before.prompt["3"]["inputs"], "what ComfyUI has itself stays as it ships"
    assert after.unknown_classes == before.unknown_classes == ("Sharpen+",), "a pack still has to bring it"
    assert {"quality", "seed"} & set(after.interface["properties"])


def test_without_definitions_nothing_is_known() -> None:
    found = read_preflight(answer(definitions={"Odd": {"input": 1}}))
    assert known_definitions(found.definitions, found.engine_version) is None
