"""What packs say of their nodes is kept in the repository: the next workflow is converted exactly before it is deployed."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from codegen.lock import PackPin
from runner.knowledge import NODES
from runner.knowledge.definitions import (
    DEEPEST,
    LARGEST_DEFINITION,
    MOST_FILES,
    definition_files,
    facts_of_used,
    learned_definitions,
)
from tests.runner.bench import git
from tests.runner.test_preflight import SHARPEN, WORKFLOW

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "9d9f4bedfc9f0321c19faf71855e228c93bd0dc9"
PACK = PackPin(
    name="ComfyUI_essentials",
    repository="https://github.com/cubiq/ComfyUI_essentials",
    commit=COMMIT,
    classes=("Sharpen+",),
    source="properties",
)
MODULE = "custom_nodes.ComfyUI_essentials"
SAID: dict[str, Any] = {**SHARPEN, "python_module": MODULE}
PROMPT: dict[str, Any] = {"2": {"class_type": "Sharpen+", "inputs": {}}}


def saved_with_pack() -> dict[str, Any]:
    workflow = copy.deepcopy(WORKFLOW)
    workflow["nodes"][1]["properties"] = {"aux_id": "cubiq/ComfyUI_essentials", "ver": COMMIT}
    return workflow


class Checkout:
    """As much of a worktree as is read here."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, path: str) -> bytes:
        return (self.path / path).read_bytes()

    def write(self, files: dict[str, bytes]) -> None:
        for path, data in files.items():
            (self.path / path).parent.mkdir(parents=True, exist_ok=True)
            (self.path / path).write_bytes(data)


@pytest.fixture
def checkout(tmp_path: Path) -> Any:
    return Checkout(tmp_path)


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.long
def test_a_second_workflow_with_the_same_pack_needs_no_second_render(bench):
    found = {"definitions": {"Sharpen+": SAID}, "passed": True}
    order = {
        "workflow": json.dumps(saved_with_pack()),
        "faults": [{"stage": "preflight", "found": found}],
        "target": "elsewhere",
        "drafts": True,
    }
    first = bench.do("up", **order)
    assert (first["state"], first["attempts"]) == ("succeeded", 2), first["reason"]
    folder = f"{NODES}/ComfyUI_essentials/{COMMIT}"
    (file,) = git(bench.repo, "ls-tree", "--name-only", "flowberth/poster", f"{folder}/").splitlines()
    kept = json.loads(git(bench.repo, "show", f"flowberth/poster:{file}"))
    assert (kept["repository"], kept["commit"], list(kept["definitions"])) == (
        PACK.repository,
        COMMIT,
        ["Sharpen+"],
    )

    git(bench.repo, "reset", "--hard", "--quiet", "flowberth/poster")  # it was merged
    second = bench.do("up", name="banner", **order)
    assert (second["state"], second["attempts"]) == ("succeeded", 1), second["reason"]
    prompt = json.loads(git(bench.repo, "show", "flowberth/banner:apps/modal/banner/prompt.json"))
    assert prompt["2"]["inputs"] == {"image": ["1", 0], "quality": "high", "seed": 7}
    assert NODES not in git(bench.repo, "diff", "--name-only", "main", "flowberth/banner")  # nothing new


def test_what_is_written_is_read_again_for_the_same_pack_at_the_same_commit(checkout):
    facts = facts_of_used({"Sharpen+": {**SAID, "description": "prose", "secret": "x"}}, PROMPT)
    assert facts == {"Sharpen+": SAID}
    checkout.write(definition_files(facts, [PACK], {}))
    assert learned_definitions(checkout, [PACK], PROMPT) == facts
    assert definition_files(facts, [PACK], facts) == {}
    other = PACK.model_copy(update={"commit": "a" * 40})
    fork = PACK.model_copy(update={"repository": "https://github.com/other/ComfyUI_essentials"})
    assert learned_definitions(checkout, [other, fork], PROMPT) == {}
    assert learned_definitions(checkout, [PACK], {"2": {"class_type": "Other"}}) == {}


def test_files_of_models_are_not_kept_and_those_of_people_neither(checkout):
    inputs = {
        "ckpt": [["none", "mine.safetensors", "deep/Other.CKPT"], {"tooltip": "prose"}],
        "new": ["COMBO", {"options": ["fast", "mine.gguf"]}],
        "image": [["holiday.png"], {"image_upload": True}],
    }
    facts = facts_of_used({"Sharpen+": {**SAID, "input": {"required": inputs}}}, PROMPT)
    assert facts["Sharpen+"]["input"]["required"] == {
        "ckpt": [["none"], {}],
        "new": ["COMBO", {"options": ["fast"]}],
        "image": [[], {"image_upload": True}],
    }


@pytest.mark.parametrize(
    "hostile",
    [
        {"Sharpen+": "no definition"},
        {"Sharpen+": {**SAID, "input": {"required": {"x": [["y" * LARGEST_DEFINITION]]}}}},
        {"Sharpen+": {**SAID, "input": {"required": {"x": nested(DEEPEST)}}}},
        {"Unused": SAID},
    ],
    ids=["shapeless", "too large", "too deep", "not asked for"],
)
def test_what_a_hostile_pack_says_is_bounded(hostile):
    assert facts_of_used(hostile, PROMPT) == {}


def test_a_pack_speaks_for_itself_alone(checkout):
    theirs = {"Sharpen+": {**SAID, "python_module": "custom_nodes.ComfyUI-Other"}}
    assert definition_files(theirs, [PACK], {}) == {}
    told = {"repository": PACK.repository, "commit": COMMIT, "definitions": theirs}
    checkout.write({f"{NODES}/ComfyUI_essentials/{COMMIT}/by-hand.json": json.dumps(told).encode()})
    assert learned_definitions(checkout, [PACK], PROMPT) == {}


def test_what_cannot_be_read_is_as_if_it_were_not_there(checkout, tmp_path):
    folder = f"{NODES}/ComfyUI_essentials/{COMMIT}"
    good = definition_files({"Sharpen+": SAID}, [PACK], {})
    broken = ["", "{", "[]", '{"definitions": {}}', '{"a": 1, "a": 2}', "[" * 1000, json.dumps({"x": "y" * 1_000_000})]
    checkout.write({f"{folder}/0-{number}.json": text.encode() for number, text in enumerate(broken)})
    (tmp_path / folder / "0-gone.json").symlink_to("/nowhere")
    (tmp_path / folder / "0-folder.json").mkdir()
    checkout.write(good)
    assert list(learned_definitions(checkout, [PACK], PROMPT)) == ["Sharpen+"]
    checkout.write({f"{folder}/0-many-{number}.json": b"{}" for number in range(MOST_FILES)})
    assert learned_definitions(checkout, [PACK], PROMPT) == {}


def test_halves_of_surrogate_pairs_leave_the_others_readable(checkout):
    odd = {**SAID, "input": {"required": {"mode": [["\ud800"], {}]}}}
    prompt = {**PROMPT, "3": {"class_type": "Odd"}}
    assert facts_of_used({"Sharpen+": SAID, "Odd": odd, "\udfff": SAID}, prompt) == {"Sharpen+": SAID}
    written = definition_files({"Sharpen+": {**SAID, "description": "größer"}}, [PACK], {})
    assert all(data.isascii() for data in written.values())
    checkout.write(written)
    assert list(learned_definitions(checkout, [PACK], PROMPT)) == ["Sharpen+"]
