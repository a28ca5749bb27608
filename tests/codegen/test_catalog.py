"""Node definitions: as servers give them, as they ship, and as they are made."""

import gzip
import json
import runpy
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.catalog import (
    Catalog,
    InputDefinition,
    OutputDefinition,
    catalog_from_object_info,
    load_catalog,
    object_info,
    packaged_versions,
    readable,
)
from codegen.errors import CatalogError

RAW = {
    "Mix": {
        "display_name": "Mix two",
        "description": "prose",
        "category": "own",
        "input": {
            "optional": {"note": ["STRING", {"default": "n", "tooltip": "prose"}]},
            "required": {
                "mode": [["add", "mul"], {"default": "mul"}],
                "a": ["IMAGE"],
                "kind": ["COMBO", {"options": ["x", "y"]}],
                "file": [["photo.png"], {"image_upload": True}],
                "nonsense": "no declaration",
            },
        },
        "input_order": {"required": ["a", "mode", "gone"]},
        "output": ["IMAGE", ["x", "y"]],
        "output_name": ["mixed"],
        "output_is_list": [False, True],
        "output_node": True,
        "python_module": "custom_nodes.mix",
    }
}


def test_a_definition_in_the_editors_order():
    mix = catalog_from_object_info(RAW, version="own").get("Mix")
    assert mix is not None
    assert [(entry.name, entry.type, entry.required) for entry in mix.inputs] == [
        ("a", "IMAGE", True),
        ("mode", "COMBO", True),
        ("kind", "COMBO", True),
        ("file", "COMBO", True),
        ("note", "STRING", False),
    ]
    assert mix.input("kind") == InputDefinition(
        name="kind", type="COMBO", required=True, options={"options": ["x", "y"]}, choices=("x", "y")
    )
    assert mix.outputs == (
        OutputDefinition(name="mixed", type="IMAGE"),
        OutputDefinition(name="['x', 'y']", type="COMBO", is_list=True),
    )
    assert (mix.display_name, mix.category, mix.output_node, mix.api_node) == ("Mix two", "own", True, False)
    assert mix.python_module == "custom_nodes.mix"


@pytest.mark.parametrize("raw", [{"Mix": []}, {"Mix": {}}, {"Mix": {"input": []}}, {"error": "not found"}])
def test_what_is_no_object_info_is_refused(raw):
    with pytest.raises(CatalogError, match="is no node definition; give the answer of ComfyUI's GET /object_info"):
        catalog_from_object_info(raw, version="own")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(anything, anything, anything, anything)
def test_odd_definitions_are_read_as_far_as_they_go(required, order, output, names):
    raw = {"X": {"input": {"required": required}, "input_order": order, "output": output, "output_name": names}}
    odd = catalog_from_object_info(raw, version="own").get("X")
    assert odd is not None
    assert all(isinstance(entry.name, str) for entry in odd.inputs)
    assert all(isinstance(output.type, str) for output in odd.outputs)


def test_laying_one_catalog_over_another():
    below = Catalog("1.0", {"A": {"input": {}, "category": "below"}, "B": {"input": {}}})
    above = below.overlay(Catalog("live", {"A": {"input": {}, "category": "above"}, "C": {"input": {}}}))
    assert above.version == "1.0"
    assert set(above.classes()) == {"A", "B", "C"}
    overlaid = above.get("A")
    assert overlaid is not None
    assert overlaid.category == "above"
    assert "C" not in below


def test_those_that_ship_are_complete_and_come_oldest_first():
    assert packaged_versions() == ("0.3.64", "0.33.0")
    for version in packaged_versions():
        catalog = load_catalog(version)
        sampler = catalog.get("KSampler")
        assert sampler is not None
        assert [entry.name for entry in sampler.inputs][:2] == ["model", "seed"]
        assert len(catalog.classes()) > 400
        for name in catalog.classes():
            definition = catalog.get(name)
            assert definition is not None
            assert len(definition.inputs) == sum(
                len(definition.raw["input"].get(section, {})) for section in ("required", "optional")
            )


def test_those_that_ship_tell_nothing_of_a_machine_and_quote_no_prose():
    for version in packaged_versions():
        text = json.dumps(dict(load_catalog(version).raw))
        assert "example.png" not in text
        assert '"tooltip"' not in text
        assert ".safetensors" not in text


def test_loading_takes_no_time_that_anybody_would_notice():
    load_catalog.cache_clear()
    started = time.process_time()
    load_catalog("0.33.0")
    assert time.process_time() - started < 0.5, "a tenth of that where nothing else is running"
    assert load_catalog("0.33.0") is load_catalog("0.33.0")


def test_a_version_that_does_not_ship_names_those_that_do():
    with pytest.raises(CatalogError, match=r"no definitions of ComfyUI '9.9' ship; there are: 0.3.64, 0.33.0"):
        load_catalog("9.9")


def test_back_in_the_shape_of_a_server():
    served = object_info(catalog_from_object_info(RAW, version="own"))
    assert served["Mix"]["name"] == "Mix"
    assert served["Mix"]["input"] == RAW["Mix"]["input"]


def test_the_tool_keeps_facts_only_and_writes_the_same_bytes_again(tmp_path, monkeypatch, capsys):
    source = tmp_path / "object_info.json.gz"
    source.write_bytes(gzip.compress(json.dumps({**RAW, "Z": {"input": {}, "python_module": "nodes"}}).encode()))
    tool = runpy.run_path("tools/catalog.py")
    written = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["catalog.py", str(source), "--version", "1.2.3"])
        monkeypatch.setitem(tool["main"].__globals__, "TARGET", tmp_path / "out")
        tool["main"]()
        written.append((tmp_path / "out" / "1.2.3.json.gz").read_bytes())
    assert written[0] == written[1]
    made = json.loads(gzip.decompress(written[0]))
    assert set(made) == {"Mix", "Z"}
    assert made["Mix"]["input"]["required"]["file"] == [[], {"image_upload": True}]
    assert made["Mix"]["input"]["optional"]["note"] == ["STRING", {"default": "n"}]
    assert "description" not in made["Mix"]
    assert "2 classes" in capsys.readouterr().out


def test_the_tool_takes_display_names_from_elsewhere_and_keeps_those_that_say_something(tmp_path, monkeypatch):
    nodes = {
        name: {"input": {}, "display_name": shown} for name, shown in {"A": "Ay", "B": "B", "C": "See", "D": ""}.items()
    }
    (tmp_path / "object_info.json").write_text(json.dumps(nodes))
    (tmp_path / "names.json").write_text(json.dumps({"C": "Sea", "D": 5, "E": "Unused"}))
    tool = runpy.run_path("tools/catalog.py")
    source, names = str(tmp_path / "object_info.json"), str(tmp_path / "names.json")
    monkeypatch.setattr(sys, "argv", ["catalog.py", source, "--version", "1.2.3", "--names", names])
    monkeypatch.setitem(tool["main"].__globals__, "TARGET", tmp_path / "out")
    tool["main"]()
    made = json.loads(gzip.decompress((tmp_path / "out" / "1.2.3.json.gz").read_bytes()))
    assert made == {
        "A": {"display_name": "Ay", "input": {}},
        "B": {"input": {}},
        "C": {"display_name": "Sea", "input": {}},
        "D": {"input": {}},
    }


@pytest.mark.parametrize(
    ("class_type", "words"),
    [
        ("CLIPTextEncode", "CLIP Text Encode"),
        ("KSamplerAdvanced", "KSampler Advanced"),
        ("EmptyFlux2LatentImage", "Empty Flux2 Latent Image"),
        ("Load3DAdvanced", "Load 3D Advanced"),
        ("KlingCameraControlI2VNode", "Kling Camera Control I2V"),
        ("VHS_LoadVideo", "VHS Load Video"),
        ("Image Resize+", "Image Resize+"),
        ("Node", "Node"),
        ("__", "__"),
        ("", ""),
    ],
)
def test_a_class_without_a_name_is_said_in_words(class_type, words):
    assert readable(class_type) == words


def test_those_that_ship_have_the_editors_names():
    catalog = load_catalog("0.33.0")
    names = {name: getattr(catalog.get(name), "readable_name", None) for name in ("SaveGLB", "KSampler", "RandomNoise")}
    assert names == {"SaveGLB": "Save 3D Model", "KSampler": "KSampler", "RandomNoise": "Random Noise"}
