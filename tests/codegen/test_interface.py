"""What an app is called with: names people would choose, bounds that hold, and files that must be given."""

from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from codegen.catalog import load_catalog
from codegen.interface import build_interface
from tests.codegen.canvas import Canvas, save, text_to_image

CATALOG = load_catalog("0.33.0")


def interface(canvas: Canvas) -> dict[str, Any]:
    workflow = canvas.workflow()
    return build_interface("test", workflow, canvas.converted().prompt, CATALOG)


def kinds(document: dict[str, Any]) -> dict[str, str]:
    return {name: schema["x-flowberth"]["kind"] for name, schema in document["properties"].items()}


def targets(document: dict[str, Any], name: str) -> list[list[str]]:
    return document["properties"][name]["x-flowberth"]["targets"]


def accepts(document: dict[str, Any], **body: Any) -> bool:
    return jsonschema.Draft202012Validator(document).is_valid(body)


def test_text_to_image():
    document = interface(text_to_image())
    assert kinds(document) == snapshot(
        {
            "prompt": "text",
            "negative_prompt": "text",
            "width": "integer",
            "height": "integer",
            "batch_size": "integer",
            "seed": "seed",
            "steps": "integer",
            "cfg": "number",
        }
    )
    assert targets(document, "negative_prompt") == [["3", "text"]]
    assert document["$defs"]["outputs"]["properties"] == {
        "image": {
            "title": "Save Image",
            "contentMediaType": "image/png",
            "x-flowberth": {"kind": "image", "node": "7"},
        }
    }
    jsonschema.Draft202012Validator.check_schema(document)


class TestRequests:
    document = interface(text_to_image())

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"prompt": "a cat", "seed": 0},
            {"seed": 2**64 - 1},
            {"width": 1024, "height": 16, "cfg": 7.5},
            {"prompt": ""},
        ],
    )
    def test_good_ones(self, body):
        assert accepts(self.document, **body)

    @pytest.mark.parametrize(
        "body",
        [
            {"prompt": 5},
            {"prompt": None},
            {"seed": -1},
            {"seed": 2**64},
            {"seed": 1.5},
            {"width": 0},
            {"width": 10**9},
            {"width": "wide"},
            {"cfg": 100.1},
            {"steps": True, "unknown": 1},
            {"promt": "a typo"},
        ],
    )
    def test_bad_ones(self, body):
        assert not accepts(self.document, **body)

    def test_all_is_optional_with_the_workflows_own_values_except_the_seed(self):
        assert self.document["required"] == []
        properties = self.document["properties"]
        assert properties["prompt"]["default"] == "a fox"
        assert (properties["cfg"]["default"], properties["steps"]["default"]) == (8, 20)
        assert "default" not in properties["seed"]


class TestMedia:
    def canvas(self) -> Canvas:
        canvas = Canvas()
        picture = canvas.add("LoadImage", values=["mine.png", "image"], gives="IMAGE MASK")
        mask = canvas.add("LoadImageMask", values=["mask.png", "red", "image"], gives="MASK")
        second = canvas.add("LoadImage", values=["other.png", "image"], gives="IMAGE MASK", title="Style reference")
        blended = canvas.add("ImageBlend", values=[0.5, "normal"], image1=picture, image2=second)
        save(canvas, canvas.add("JoinImageWithAlpha", image=blended, alpha=mask))
        canvas.add(
            "SaveAudio", values=["sound"], gives="", audio=canvas.add("LoadAudio", values=["a.mp3"], gives="AUDIO")
        )
        return canvas

    def test_files_must_be_given(self):
        document = interface(self.canvas())
        assert kinds(document) == snapshot(
            {"image": "image", "mask": "mask", "style_reference": "image", "audio": "audio"}
        )
        assert sorted(document["required"]) == ["audio", "image", "mask", "style_reference"]
        assert not any("default" in schema for schema in document["properties"].values())
        url = "https://example.com/x"
        assert accepts(document, image=url, mask=url, style_reference=url, audio=url)
        assert not accepts(document, image=url)

    def test_each_result_has_its_kind(self):
        outputs = interface(self.canvas())["$defs"]["outputs"]["properties"]
        assert {name: schema["x-flowberth"] for name, schema in outputs.items()} == {
            "image": {"kind": "image", "node": "6"},
            "audio": {"kind": "audio", "node": "8"},
        }


class TestNames:
    def test_equal_ones_are_numbered_in_order(self):
        canvas = Canvas()
        for name in ("a.png", "b.png", "c.png"):
            save(canvas, canvas.add("LoadImage", values=[name, "image"], gives="IMAGE MASK"))
        document = interface(canvas)
        assert list(document["properties"]) == ["image", "image_2", "image_3"]
        assert list(document["$defs"]["outputs"]["properties"]) == ["image", "image_2", "image_3"]
        assert targets(document, "image_2") == [["3", "image"]]

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Größe des Bildes", "groe_des_bildes"),
            ("2nd try", "input_2nd_try"),
            ("webhook_url", "webhook_url_input"),
            ("__proto__", "proto"),
            ("{{ config }}", "config"),
            ("🦊", "width"),
            ("x" * 300, "width"),
        ],
    )
    def test_titles_that_people_wrote_become_names(self, title, name):
        canvas = Canvas()
        width = canvas.add("PrimitiveInt", values=[64, "fixed"], gives="INT", title=title)
        save(canvas, canvas.add("EmptyImage", values=[1, 48, 1, 0], widgets="width", width=width))
        assert name in interface(canvas)["properties"]

    def test_a_seed_of_a_primitive_reaches_the_sampler_by_link(self):
        canvas = text_to_image()
        number = canvas.add("PrimitiveInt", values=[7, "fixed"], gives="INT")
        canvas.socket(canvas.nodes[4], "seed", number, widget=True)
        document = interface(canvas)
        assert targets(document, "seed") == [["8", "value"]]


def test_widgets_shown_by_subgraphs_come_first_and_reach_every_target():
    canvas = Canvas()
    inside = canvas.subgraph("draw", takes={"side": "INT"}, gives={"image": "IMAGE"})
    inside.give(
        inside.add(
            "EmptyImage",
            id=11,
            values=[64, 64, 1, 0],
            widgets="width height",
            width=inside.taken(0),
            height=inside.taken(0),
        )
    )
    save(canvas, canvas.add("draw", values=[128], widgets="side", side="INT"))
    document = interface(canvas)
    assert next(iter(document["properties"])) == "side"
    assert targets(document, "side") == [["1:11", "width"], ["1:11", "height"]]
    assert document["properties"]["side"]["default"] == 128


def test_a_form_made_in_the_editor_is_the_interface():
    canvas = text_to_image()
    canvas.extra["linearData"] = {"inputs": [["2", "text"], ["5", "steps"], ["99", "gone"], "nonsense"], "outputs": [7]}
    assert kinds(interface(canvas)) == {"prompt": "text", "steps": "integer", "seed": "seed"}


def test_choices_are_those_of_the_definition_and_the_workflows_own():
    canvas = text_to_image()
    canvas.extra["linearData"] = {"inputs": [["5", "sampler_name"]]}
    canvas.nodes[4]["widgets_values"][4] = "from_a_pack"
    schema = interface(canvas)["properties"]["sampler_name"]
    assert schema["x-flowberth"]["kind"] == "choice"
    assert schema["default"] == "from_a_pack"
    assert {"euler", "from_a_pack"} < set(schema["enum"])


def test_bounds_that_the_workflow_itself_breaks_are_left_out():
    canvas = text_to_image()
    canvas.nodes[3]["widgets_values"] = [8, 512, 1]
    schema = interface(canvas)["properties"]["width"]
    assert "minimum" not in schema
    assert schema["maximum"] == 16384


def test_a_form_with_hundreds_of_fields_is_cut():
    canvas = Canvas()
    for number in range(200):
        width = canvas.add("PrimitiveInt", values=[number, "fixed"], gives="INT")
        save(canvas, canvas.add("EmptyImage", values=[1, 48, 1, 0], widgets="width", width=width))
    assert len(interface(canvas)["properties"]) == 64
