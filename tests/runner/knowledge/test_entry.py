"""An entry is written for people and programs, and read whoever has edited it since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import external_file, snapshot

from codegen.strict_yaml import load
from runner.knowledge.entry import ActualCost, json_schema
from runner.knowledge.entry_file import NOTES, Unreadable, is_edited, notes_of, read, with_actual_cost, written
from runner.knowledge.library import library_of
from runner.knowledge.page import entry_page
from runner.knowledge.story import Costs, Story, entry_of
from tests.documents.test_documents import HOSTILE, ODD_FILE, PICTURE, lighthouse, report

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs/schemas/knowledge-entry.schema.json"
STORY = Story(
    issues=(
        {"signature": "missing-module", "subject": "gguf", "cause": "gguf is not installed", "fix": "add gguf"},  # type: ignore[arg-type]
    ),
    costs=Costs(build=0.12, tests=0.5, total=0.62),
    links={"pull request": "https://github.com/acme/site/pull/3"},
)
PAGE = entry_page(lighthouse(), report(), PICTURE, STORY)


def front(page: bytes) -> str:
    return page.decode().split("---\n")[1]


def changed(old: str, new: str) -> bytes:
    assert old in PAGE.decode()
    return PAGE.decode().replace(old, new, 1).encode()


def outcome(data: bytes) -> str:
    """Name of the entry, or why it is none."""
    try:
        return read(data).entry.name
    except Unreadable as error:
        return str(error)


def test_an_entry_says_all_that_a_deployment_has_taught() -> None:
    assert PAGE.decode() == snapshot("""\
---
# yaml-language-server: $schema=https://raw.githubusercontent.com/flowberth/flowberth/main/docs/schemas/knowledge-entry.schema.json
# Written by Flowberth at each test of the app.
generated: "3052a2ab3edfa5ab"
format: 1
name: "lighthouse"
title: "Lighthouse"
tested: "2026-11-21"
run: "run_abcdefghij0123456789"
engine: "comfyui"
simulated: false
passed: true
attempts: 1
comfyui: "0.3.64"
python: "3.12"
packages_until: "2025-10-22"
runtime: "1.2.0"
system: ["ffmpeg", "git", "libgl1", "libglib2.0-0"]
gpu: "T4"
cpu: 4.0
memory_mib: 12288
scaling: {"min_containers": 0, "max_containers": 1, "scaledown_window_seconds": 60}
cost: {"call": 0.001995, "build": 0.12, "tests": 0.5, "total": 0.62, "basis": "estimate"}
performance: {"cold_start": 9.5, "generation": 3.2}
sample: "sample.png"
links:
  "pull request": "https://github.com/acme/site/pull/3"
inputs:
  "prompt": "text"
  "negative_prompt": "text"
  "width": "integer"
  "height": "integer"
  "batch_size": "integer"
  "seed": "seed"
  "steps": "integer"
  "cfg": "number"
outputs:
  "image": "image"
models:
  - {"folder": "checkpoints", "file": "sd15.safetensors", "source": "unknown"}
issues:
  - {"signature": "missing-module", "subject": "gguf", "cause": "gguf is not installed", "fix": "add gguf"}
classes: ["CLIPTextEncode", "CheckpointLoaderSimple", "EmptyLatentImage", "KSampler", "SaveImage", "VAEDecode"]
# Bills come later. What all of a run's have come to is noted below after a merge.
---

# Lighthouse

![What the test run made](../../../../apps/modal/lighthouse/sample.png)

- App: [`lighthouse`](../../../../apps/modal/lighthouse/README.md), tested on 2026-11-21: 1 of 1 tests passed
- Engine: ComfyUI 0.33.0
- ComfyUI 0.3.64: the oldest that ships has everything
- Hardware: T4, 4 cores, 12 GiB, $0.000243 a second, because the largest stage, sd15.safetensors, has about 2.4 GB; with buffers and 4 GB to work in that makes 6.7 GB
- Cost of a call: $0.001995 (estimate: 3.00 s at $0.000665 a second)
- Cost of the run: $0.62 (estimate), of it builds $0.12 and tests $0.50
- Times: 9.5 s to start, then 3.20 s a call
- [pull request](https://github.com/acme/site/pull/3)

## Met on the way

- gguf is not installed: add gguf

## Models

- `checkpoints/sd15.safetensors`, size unknown, source unknown

## Interface

- `prompt`, text
- `negative_prompt`, text
- `width`, integer
- `height`, integer
- `batch_size`, integer
- `seed`, seed
- `steps`, integer
- `cfg`, number
- gives `image`, image

## Nodes

- `CLIPTextEncode` × 2
- `CheckpointLoaderSimple`
- `EmptyLatentImage`
- `KSampler`
- `VAEDecode`
- `SaveImage`

## Learned

- nothing says where sd15.safetensors (checkpoints) can be downloaded; add its url to app.lock.json, or put the file into the models volume under checkpoints/

<!-- What you write below this line is kept. If you change what is above, all of the file is yours. -->
""")


def test_what_is_written_is_read_again() -> None:
    found = read(PAGE)
    assert found.entry == entry_of(lighthouse(), report(), PICTURE, STORY)
    assert (found.edited, found.entry.believed) == (False, True)
    assert not entry_of(lighthouse(), report(engine="stand-in"), None).believed


def test_programs_of_others_read_it_by_its_schema() -> None:
    told = yaml.safe_load(front(PAGE))
    jsonschema.Draft202012Validator(json_schema()).validate(told | {"tested": str(told["tested"])})
    assert told["gpu"] == "T4"


def test_the_schema_that_is_published_is_current() -> None:
    assert json.dumps(json_schema(), indent=2, sort_keys=True) + "\n" == external_file(SCHEMA, format=".txt")


def test_the_published_entry_of_this_repository_is_one() -> None:
    page = (ROOT / "docs/knowledge-base/workflows/patterns/poster.md").read_bytes()
    assert read(page).entry.name == "poster"
    assert not is_edited(page)


@pytest.mark.parametrize(
    ("edit", "edited"),
    [
        (PAGE, False),
        (PAGE + b"We use it for the *start page*.\n", False),
        (PAGE.replace(b"\n", b"\r\n"), False),
        (changed("# Lighthouse", "# Our lighthouse"), True),
        (changed('gpu: "T4"', 'gpu: "L4"'), True),
        (changed("generated:", "was generated:"), True),
        (changed(NOTES, ""), True),
        (changed("format: 1\n", "format: 1\nowner: design\n"), True),
    ],
    ids=["as it was", "notes", "line ends of Windows", "prose", "a fact", "no hash", "no last line", "a fact more"],
)
def test_whether_a_person_has_edited_it_is_known(edit: bytes, edited: bool) -> None:  # noqa: FBT001
    assert is_edited(edit) is edited


def test_people_may_write_yaml_of_their_own_and_facts_of_their_own() -> None:
    by_hand = changed('gpu: "T4"', "owner: {team: design}\ngpu: L4  # cheaper").replace(
        b"passed: true", b'"passed": True'
    )
    assert read(by_hand).entry.gpu == "L4"


def test_notes_are_kept_when_it_is_written_again() -> None:
    notes = "\n## Ours\n\n" + HOSTILE + "\n---\n" + NOTES + "\n"
    page = PAGE + notes.encode()
    again = entry_page(lighthouse(), report(), PICTURE, STORY, notes_of(page))
    assert again == page
    assert read(again).entry == read(PAGE).entry


ACTUAL = ActualCost(run="run_3", build=0.1, tests=0.000001, total=0.100001)


def test_bills_that_come_later_change_one_line() -> None:
    page = PAGE + b"\nFor the *start page*.\r\n" + b"\xff"
    billed = with_actual_cost(page, ACTUAL)
    added = set(billed.splitlines()) - set(page.splitlines())
    assert added == {b'actual_cost: {"run": "run_3", "build": 0.1, "tests": 1e-06, "total": 0.100001}'}
    assert (read(billed).entry.actual_cost, is_edited(billed)) == (ACTUAL, False)
    story = STORY.model_copy(update={"actual": ACTUAL})
    assert billed.startswith(entry_page(lighthouse(), report(), PICTURE, story))
    later = ACTUAL.model_copy(update={"run": "run_4"})
    assert with_actual_cost(billed, later) == with_actual_cost(page, later) == billed.replace(b"run_3", b"run_4")


def test_bills_are_those_of_one_deployment() -> None:
    entry = read(PAGE).entry
    own = ACTUAL.model_copy(update={"run": entry.run})
    assert entry.model_copy(update={"actual_cost": own}).billed == own
    assert entry.model_copy(update={"actual_cost": ACTUAL}).billed is None
    assert entry.awaits_bills
    assert not entry.model_copy(update={"actual_cost": own}).awaits_bills


@pytest.mark.parametrize(
    "page",
    [
        changed('gpu: "T4"', 'gpu: "L4"'),
        changed("# Bills come later.", "# Ours:"),
        with_actual_cost(PAGE, ACTUAL).replace(b'"total": 0.100001', b'"total": "a lot"'),
        with_actual_cost(PAGE, ACTUAL).replace(b"\nactual_cost", b"\n# nobody knows\nactual_cost"),
        PAGE.replace(b"\n", b"\r\n"),
        b"",
        b"\xff\xfe---",
    ],
    ids=["a fact", "their line", "the amount", "a line more", "line ends of Windows", "empty", "not utf-8"],
)
def test_bills_do_not_touch_what_people_have_edited(page: bytes) -> None:
    assert with_actual_cost(page, ACTUAL) == page


BROKEN = {
    "empty": b"",
    "no front matter": b"# Lighthouse\n",
    "not closed": b"---\nformat: 1\n",
    "a list": b"---\n- 1\n---\n",
    "no yaml": b"---\n{ [\n---\n",
    "an alias": b"---\na: &a [1]\nb: *a\n---\n",
    "a tag": b"---\nformat: !!python/object/apply:os.system [id]\n---\n",
    "both sides of a merge": PAGE.replace(b'gpu: "T4"\n', b'gpu: "T4"\ngpu: "L4"\n'),
    "another format": changed("format: 1", "format: 2"),
    "no url": changed('"folder": "checkpoints"', '"folder": "../../etc"'),
    "not utf-8": b"\xff\xfe---",
    "endless": b"---\n" + b"[" * 100_000 + b"\n---\n",
    "large": PAGE + b" " * 500_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_told_and_nothing_else_happens(name: str) -> None:
    with pytest.raises(Unreadable) as told:
        read(BROKEN[name])
    assert str(told.value).isprintable()
    folder = "docs/knowledge-base/workflows/patterns"
    library = library_of({f"{folder}/lighthouse.md": PAGE, f"{folder}/a\u202e.md": BROKEN[name], "README.md": b""})
    assert [entry.name for entry in library.entries] == ["lighthouse"]
    (finding,) = library.findings
    assert finding.message.isascii()


def test_an_entry_speaks_for_its_own_workflow_alone() -> None:
    library = library_of({"docs/knowledge-base/workflows/patterns/other.md": PAGE})
    assert (library.entries, [why for _, why in library.problems]) == ((), ["it is of lighthouse, by its name"])


def test_hostile_names_stay_values() -> None:
    page = entry_page(lighthouse(HOSTILE, f"{ODD_FILE[:150]}.safetensors", HOSTILE), report(), PICTURE, STORY, HOSTILE)
    entry = read(page).entry
    assert entry.models[0].file == f"{ODD_FILE[:150]}.safetensors"
    assert yaml.safe_load(front(page))["models"][0]["file"] == entry.models[0].file


printable = st.text(st.characters(codec="utf-8"), max_size=60).map(lambda text: "".join(filter(str.isprintable, text)))


@settings(max_examples=12)
@given(
    printable,
    st.dictionaries(printable.filter(bool), printable, max_size=4),
    st.text(max_size=200),
    st.text(max_size=80),
)
def test_whatever_it_is_about_is_read_as_it_was_written(
    title: str, inputs: dict[str, str], body: str, notes: str
) -> None:
    entry = read(PAGE).entry.model_copy(update={"title": title, "inputs": inputs, "classes": tuple(inputs)})
    body, notes = (text.encode("utf-8", "ignore").decode().replace("\r", "") for text in (body, notes))
    page = written(entry, body, notes)
    if NOTES not in body:
        assert (read(page).entry, is_edited(page), notes_of(page)) == (entry, False, notes)


@settings(max_examples=25)
@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"---\n{text}\n---\n".encode("utf-8", "replace"))
)
def test_bytes_of_anybody_are_an_entry_or_are_told(data: bytes) -> None:
    assert outcome(data).isprintable()


@settings(max_examples=25)
@given(st.integers(0, len(PAGE)), st.integers(0, 200), st.binary(max_size=20))
def test_an_entry_with_a_part_torn_out_is_an_entry_or_is_told(start: int, length: int, instead: bytes) -> None:
    torn = PAGE[:start] + instead + PAGE[start + length :]
    assert outcome(torn).isprintable()
    assert torn == PAGE or is_edited(torn) or torn.startswith(PAGE[: PAGE.index(NOTES.encode())])


def test_numbers_keep_their_kind() -> None:
    told: Any = load(front(PAGE)).value
    assert told["cost"] == {"call": 0.001995, "build": 0.12, "tests": 0.5, "total": 0.62, "basis": "estimate"}
