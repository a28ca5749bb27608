"""Interfaces of files that nobody made in good faith, and of every file that ComfyUI ships."""

import json
import subprocess
import sys
import time
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.catalog import load_catalog
from codegen.errors import CodegenError
from codegen.interface import build_interface
from codegen.interface.names import Names
from codegen.model import Workflow
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from tests.codegen.canvas import Canvas, save

CATALOG = load_catalog("0.33.0")
TEMPLATES = files("comfyui_workflow_templates_json") / "templates"


def of_prompt(prompt: dict[str, Any]) -> dict[str, Any]:
    return build_interface("test", Workflow(kind="api", document=prompt, source=b"{}"), prompt, CATALOG)


def is_sound(document: dict[str, Any], prompt: dict[str, Any]) -> None:
    """A schema that its own defaults meet, with places that are there, and names that can be typed."""
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    for name, schema in document["properties"].items():
        assert name.isidentifier()
        assert name.isascii()
        assert len(name) <= 64
        assert schema["title"].isprintable()
        assert schema["title"].strip()
        assert len(schema["title"]) <= 120
        facts = schema["x-flowberth"]
        for node, key in facts["targets"]:
            assert key in prompt[node]["inputs"]
            assert not isinstance(prompt[node]["inputs"][key], list)
        assert (name in document["required"]) <= ("default" not in schema)
    places = [tuple(place) for schema in document["properties"].values() for place in schema["x-flowberth"]["targets"]]
    assert len(places) == len(set(places)), "two inputs would write to one place"
    defaults = {name: schema["default"] for name, schema in document["properties"].items() if "default" in schema}
    files = dict.fromkeys(document["required"], "https://example.com/x")
    assert [error.message for error in validator.iter_errors({**defaults, **files})] == []


@pytest.mark.parametrize("name", ["", "a", "b", "c", "d", "e", "f", "g"])
def test_every_template(name):
    shares = ["", "a", "b", "c", "d", "e", "f", "g"]
    entries = sorted(entry.name for entry in TEMPLATES.iterdir() if not entry.name.startswith("index"))
    for entry in entries[shares.index(name) :: len(shares)]:
        if entry.endswith(".json"):
            try:
                plan = make_plan(parse_workflow((TEMPLATES / entry).read_bytes(), filename=entry), filename=entry)
            except CodegenError:
                continue
            is_sound(plan.interface, plan.prompt)


TITLES = [
    "\x00\x07\x1b[31mred\x1b[0m",
    "gnp.\u202egpj.exe",
    "\u2066hidden\u2069 \u200b\ufeff",
    "x" * 10_240,
    "constructor",
    "__proto__",
    "webhook_url",
    "required",
    "$ref",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "```\n# heading",
    "\ud83d",
    "🦊" * 500,
    "()" * 5_000,
    "(" * 10_000,
    "Int (" + " " * 9_000,
    " \t\n ",
]


@pytest.mark.parametrize("title", TITLES)
def test_titles(title):
    canvas = Canvas()
    image = canvas.add("LoadImage", values=["a.png", "image"], gives="IMAGE MASK")
    width = canvas.add("PrimitiveInt", values=[64, "fixed"], gives="INT")
    scaled = canvas.add("ImageScale", values=["lanczos", 1, 48, "center"], image=image, widgets="width", width=width)
    save(canvas, scaled)
    prompt = canvas.converted().prompt
    for node in prompt.values():
        node["_meta"] = {"title": title}
    began = time.process_time()
    document = build_interface("test", canvas.workflow(), prompt, CATALOG)
    assert time.process_time() - began < 1
    is_sound(document, prompt)
    assert "webhook_url" not in document["properties"]
    assert json.dumps(document).isascii()


def test_labels_of_subgraph_inputs():
    for label in TITLES:
        if label.isprintable() or label.isascii():
            canvas = Canvas()
            inside = canvas.subgraph("draw", takes={"side": "INT"}, gives={"image": "IMAGE"})
            picture = inside.add("EmptyImage", id=9, values=[1, 1, 1, 0], widgets="width", width=inside.taken(0))
            inside.give(picture)
            definition: Any = inside.inside_of
            definition["inputs"][0]["label"] = label
            save(canvas, canvas.add("draw", values=[128], widgets="side", side="INT"))
            prompt = canvas.converted().prompt
            is_sound(build_interface("test", canvas.workflow(), prompt, CATALOG), prompt)


def test_five_thousand_inputs():
    prompt: dict[str, Any] = {}
    for number in range(5_000):
        prompt[f"s{number}"] = {
            "class_type": "KSampler",
            "inputs": {
                "seed": number,
                "steps": number,
                "positive": [f"t{number}", 0],
                "latent_image": [f"s{number - 1}", 0],
            },
        }
        prompt[f"t{number}"] = {"class_type": "CLIPTextEncode", "inputs": {"text": f"prompt {number}"}}
    prompt["end"] = {"class_type": "SaveImage", "inputs": {"images": ["s4999", 0]}}
    began = time.process_time()
    document = of_prompt(prompt)
    assert time.process_time() - began < 5
    assert len(document["properties"]) == 64
    is_sound(document, prompt)


def test_links_in_circles():
    prompt: dict[str, Any] = {
        str(number): {
            "class_type": kind,
            "inputs": {
                "positive": [str((number + 1) % 40), 0],
                "negative": [str((number + 7) % 40), 1],
                "conditioning": [str(number), 0],
                "text": f"text {number}",
                "images": [str((number + 3) % 40), 0],
            },
        }
        for number in range(40)
        for kind in [("CLIPTextEncode", "ControlNetApplyAdvanced", "KSampler", "SaveImage", "Unknown")[number % 5]]
    }
    is_sound(of_prompt(prompt), prompt)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
CLASSES = [
    "KSampler", "KSamplerAdvanced", "CLIPTextEncode", "CLIPTextEncodeFlux", "ControlNetApplyAdvanced", "LoadImage",
    "EmptyLatentImage", "EmptyImage", "PrimitiveInt", "PrimitiveFloat", "PrimitiveStringMultiline", "StringConcatenate",
    "RandomNoise", "CFGGuider", "SaveImage", "SaveVideo", "Painter", "TextGenerate", "ByteDanceTextToVideoNode",
    "CheckpointLoaderSimple", "CustomCombo", "Unknown_Loader", "Save Unknown", "",
]  # fmt: skip
NAMES = sorted(
    {declared.name for name in CLASSES if (definition := CATALOG.get(name)) for declared in definition.inputs}
    | {"sampling_mode.seed", "model.prompt", "", "väl.ue"}
)
links = st.tuples(st.sampled_from([str(number) for number in range(8)]), st.integers(-1, 3)).map(list)
nodes = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(CLASSES),
        "inputs": st.dictionaries(st.sampled_from(NAMES), links | values, max_size=6),
    },
    optional={"_meta": st.fixed_dictionaries({"title": st.text(max_size=12) | values})},
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([str(number) for number in range(8)]), nodes, min_size=1, max_size=8))
def test_any_prompt_has_an_interface(prompt):
    document = of_prompt(prompt)
    is_sound(document, prompt)
    assert json.dumps(document) == json.dumps(of_prompt(json.loads(json.dumps(prompt))))


def test_the_same_file_gives_the_same_bytes_in_another_process():
    name = "video_wan21_scail2_character_replacement.json"
    code = (
        "import json, sys; from codegen.parse import parse_workflow; from codegen.plan import make_plan;"
        "data = sys.stdin.buffer.read();"
        f"print(json.dumps(make_plan(parse_workflow(data, filename={name!r}), filename={name!r}).interface))"
    )
    data = (TEMPLATES / name).read_bytes()
    made = {
        subprocess.check_output([sys.executable, "-c", code], input=data, env={"PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1


def test_thousands_of_results_are_named_in_no_time():
    prompt = {str(each): {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}} for each in range(20_000)}
    names = Names()
    given = [names.free(("image",)) for _ in prompt]
    assert given[:3] == ["image", "image_2", "image_3"]
    assert len(set(given)) == len(prompt)
