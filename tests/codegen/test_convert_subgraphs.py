"""Subgraphs unfolded: ids, promoted widgets, modes, nesting, and the ones that nobody could unfold."""

import pytest

from codegen.catalog import load_catalog
from codegen.convert import convert
from codegen.errors import InvalidGraph
from tests.codegen.canvas import BYPASSED, MUTED, Canvas, empty_image, save


def inverter(canvas: Canvas, name: str = "invert") -> None:
    inside = canvas.subgraph(name, takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
    inside.give(inside.add("ImageInvert", id=11, image=inside.taken(0)))


def sized(canvas: Canvas, name: str = "sized") -> None:
    """A subgraph that shows the width of a picture, and whose color can be wired too."""
    inside = canvas.subgraph(name, takes={"width": "INT", "color": "INT"}, gives={"image": "IMAGE"})
    inside.give(
        inside.add(
            "EmptyImage",
            id=11,
            values=[64, 48, 1, 7],
            widgets="width color",
            width=inside.taken(0),
            color=inside.taken(1),
        )
    )


def test_an_inner_node_is_named_after_its_host():
    canvas = Canvas()
    inverter(canvas)
    host = canvas.add("invert", image=empty_image(canvas))
    save(canvas, host)
    assert canvas.prompt() == {
        "1": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        "3": {"filename_prefix": "out", "images": ["2:11", 0]},
        "2:11": {"image": ["1", 0]},
    }


def test_one_definition_serves_several_hosts():
    canvas = Canvas()
    inverter(canvas)
    first = canvas.add("invert", image=empty_image(canvas, id=9))
    save(canvas, canvas.add("invert", image=first))
    prompt = canvas.prompt()
    assert prompt["3:11"] == {"image": ["2:11", 0]}
    assert prompt["2:11"] == {"image": ["9", 0]}


def test_hosts_inside_subgraphs():
    canvas = Canvas()
    inverter(canvas)
    outer = canvas.subgraph("twice", takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
    first = outer.add("invert", id=21, image=outer.taken(0))
    outer.give(outer.add("invert", id=22, image=first))
    save(canvas, canvas.add("twice", image=empty_image(canvas)))
    prompt = canvas.prompt()
    assert prompt["3"]["images"] == ["2:22:11", 0]
    assert prompt["2:22:11"] == {"image": ["2:21:11", 0]}
    assert prompt["2:21:11"] == {"image": ["1", 0]}


class TestPromotedWidgets:
    def test_the_host_has_the_value(self):
        canvas = Canvas()
        sized(canvas)
        canvas.add("sized", values=[96], widgets="width", width="INT")
        canvas.add("sized", values=[96, None], widgets="width", width="INT")
        canvas.add("sized", values=[], widgets="width", width="INT")
        prompt = canvas.prompt()
        assert [(inputs["width"], inputs["color"]) for inputs in prompt.values()] == [(96, 7), (96, None), (64, 7)]

    def test_a_link_into_the_host_wins(self):
        canvas = Canvas()
        sized(canvas)
        width = canvas.add("PrimitiveInt", values=[32, "fixed"], gives="INT")
        canvas.add("sized", values=[96, 5], widgets="width color", width=width, color="INT")
        assert canvas.prompt()["2:11"] == {"width": ["1", 0], "height": 48, "batch_size": 1, "color": 5}

    def test_through_two_levels(self):
        canvas = Canvas()
        sized(canvas)
        outer = canvas.subgraph("outer", takes={"size": "INT"}, gives={"image": "IMAGE"})
        outer.give(outer.add("sized", id=21, values=[80], widgets="width", width=outer.taken(0), color="INT"))
        canvas.add("outer", values=[128], widgets="size", size="INT")
        canvas.add("outer", values=[], widgets="size", size="INT")
        prompt = canvas.prompt()
        assert prompt["1:21:11"]["width"] == 128
        assert prompt["2:21:11"]["width"] == 80

    def test_listed_by_node_and_name(self):
        canvas = Canvas()
        sized(canvas)
        entries = [["11", "height"], ["11", "gone"], ["99", "width"], ["-1", "color"], ["11", "batch_size"]]
        canvas.add("sized", values=[33, 44, 55, 66, None], properties={"proxyWidgets": entries})
        assert canvas.prompt()["1:11"] == {"width": 64, "height": 33, "batch_size": 1, "color": 66}

    def test_texts_are_sent_as_they_are(self):
        canvas = Canvas()
        inside = canvas.subgraph("text", takes={"text": "STRING"}, gives={})
        inside.add("CLIPTextEncode", id=11, values=["{x|y}"], widgets="text", text=inside.taken(0))
        inside.add("CLIPTextEncode", id=12, values=["{x|y}"])
        entries = {"proxyWidgets": [["-1", "text"], ["12", "text"]]}
        canvas.add("text", gives="", values=["{a|b} // c", "{d|e} // f"], properties=entries)
        texts = {key: inputs["text"] for key, inputs in canvas.prompt().items()}
        assert texts == {"1:11": "{a|b} // c", "1:12": "{d|e} // f"}

    def test_values_set_aside_by_a_newer_editor_win(self):
        canvas = Canvas()
        sized(canvas)
        aside = [
            {"originalEntry": ["-1", "width"], "hostValue": 21},
            {"originalEntry": ["-1", "width"], "hostValue": 22},
        ]
        canvas.add("sized", values=[96], properties={"proxyWidgetErrorQuarantine": aside})
        assert canvas.prompt()["1:11"]["width"] == 21

    def test_a_host_does_not_change_which_inputs_an_option_has(self):
        canvas = Canvas()
        inside = canvas.subgraph("resize", takes={}, gives={})
        inside.add("ResizeImageMaskNode", id=11, values=["scale width", 200, "area"], input="IMAGE")
        entries = [["11", "resize_type"], ["11", "resize_type.width"], ["11", "resize_type.height"]]
        canvas.add("resize", values=["scale height", 50, 60], gives="", properties={"proxyWidgets": entries})
        assert canvas.prompt()["1:11"] == {
            "resize_type": "scale height",
            "resize_type.width": 50,
            "scale_method": "area",
        }


class TestPrimitivesInside:
    def canvas(self, **host: object) -> Canvas:
        canvas = Canvas()
        inside = canvas.subgraph("square", takes={}, gives={})
        side = inside.add("PrimitiveNode", id=12, values=[88, "fixed"], gives="INT")
        inside.add("EmptyImage", id=11, values=[1, 2, 1, 0], widgets="width height", width=side, height=side)
        canvas.add("square", gives="", **host)
        return canvas

    def test_it_writes_its_value_as_it_would_outside(self):
        inputs = self.canvas().prompt()["1:11"]
        assert (inputs["width"], inputs["height"]) == (88, 88)

    def test_a_host_that_shows_it_sets_it(self):
        canvas = self.canvas(values=[44], properties={"proxyWidgets": [["12", "value"]]})
        canvas.add("square", gives="")
        prompt = canvas.prompt()
        assert (prompt["1:11"]["width"], prompt["1:11"]["height"]) == (44, 44)
        assert (prompt["2:11"]["width"], prompt["2:11"]["height"]) == (1, 1), "there it is what its first target had"

    def test_one_that_is_shown_finds_its_targets_by_the_slots_in_the_file(self):
        canvas = Canvas()
        inside = canvas.subgraph("short", takes={}, gives={})
        side = inside.add("PrimitiveNode", id=12, values=[88, "fixed"], gives="INT")
        inside.add("EmptyImage", id=11, values=[1, 2, 1, 0], widgets="height", height=side)
        canvas.add("short", gives="", values=[44], properties={"proxyWidgets": [["12", "value"]]})
        inputs = canvas.prompt()["1:11"]
        assert (inputs["width"], inputs["height"]) == (44, 2), (
            "slot 0 of the file is the width once all sockets are there"
        )

    def test_one_that_is_shown_stays_if_its_targets_are_of_several_types(self):
        canvas = Canvas()
        inside = canvas.subgraph("odd", takes={}, gives={})
        given = inside.add("PrimitiveNode", id=12, values=[88, "fixed"], gives="INT")
        inside.add("EmptyImage", id=11, values=[1, 2, 1, 0], widgets="width", width=given)
        inside.add("PrimitiveString", id=13, values=["own"], gives="STRING", widgets="value", value=given)
        canvas.add("odd", gives="", properties={"proxyWidgets": [["12", "value"]]})
        prompt = canvas.prompt()
        assert (prompt["1:11"]["width"], prompt["1:13"]["value"]) == (88, 88)


class TestModes:
    @pytest.mark.parametrize(("mode", "fed"), [(MUTED, None), (BYPASSED, ["1", 0])])
    def test_a_host_at_the_root_takes_its_inside_with_it(self, mode, fed):
        canvas = Canvas()
        inverter(canvas)
        save(canvas, canvas.add("invert", mode=mode, image=empty_image(canvas)))
        prompt = canvas.prompt()
        assert list(prompt) == ["1", "3"]
        assert prompt["3"].get("images") == fed

    @pytest.mark.parametrize(("mode", "fed"), [(MUTED, None), (BYPASSED, ["1", 0])])
    def test_the_inside_of_a_nested_host_stays(self, mode, fed):
        canvas = Canvas()
        inverter(canvas)
        outer = canvas.subgraph("outer", takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
        outer.give(outer.add("invert", id=21, mode=mode, image=outer.taken(0)))
        save(canvas, canvas.add("outer", image=empty_image(canvas)))
        prompt = canvas.prompt()
        assert prompt["2:21:11"] == {"image": ["1", 0]}
        assert prompt["3"].get("images") == fed

    def test_bypassed_and_muted_inside(self):
        canvas = Canvas()
        inside = canvas.subgraph("inside", takes={"image": "IMAGE"}, gives={"a": "IMAGE", "b": "IMAGE"})
        inside.give(inside.add("ImageInvert", id=11, mode=BYPASSED, image=inside.taken(0)), 0)
        inside.give(inside.add("ImageInvert", id=12, mode=MUTED, image=inside.taken(0)), 1)
        host = canvas.add("inside", gives="IMAGE IMAGE", image=empty_image(canvas))
        save(canvas, host[0])
        save(canvas, host[1])
        prompt = canvas.prompt()
        assert prompt["3"]["images"] == ["1", 0]
        assert "images" not in prompt["4"]


def test_inner_ids_that_are_taken_get_the_next_free_number():
    canvas = Canvas()
    inside = canvas.subgraph("invert", takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
    inverted = inside.add("ImageInvert", id=1, image=inside.taken(0))
    inside.give(inside.add("ImageScaleBy", id=2, values=["area", 2.0], image=inverted))
    properties = {"proxyWidgets": [["2", "scale_by"]]}
    save(canvas, canvas.add("invert", values=[3.0], properties=properties, image=empty_image(canvas)))
    document = canvas.saved()
    assert [node["id"] for node in document["nodes"]] == [1, 2, 3]
    prompt = canvas.prompt()
    assert list(prompt) == ["1", "3", "2:4", "2:5"]
    assert prompt["2:5"] == {"upscale_method": "area", "scale_by": 3, "image": ["2:4", 0]}
    workflow = canvas.workflow()
    for version in ("0.3.64", "0.33.0", "0.33.0"):
        assert list(convert(workflow, load_catalog(version)).prompt) == list(prompt), "however often it is read"
        assert workflow.document == document


GROUP = {
    "nodes": [
        {"type": "EmptyImage", "outputs": [{"name": "IMAGE", "type": "IMAGE"}], "widgets_values": [64, 64, 1, 0]},
        {
            "type": "ImageBlend",
            "inputs": [{"name": "image1", "type": "IMAGE"}, {"name": "image2", "type": "IMAGE"}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            "widgets_values": [0.5, "normal"],
        },
    ],
    "links": [[0, 0, 1, 1, 1, "IMAGE"]],
    "external": [[0, 0, "IMAGE"]],
}


class TestGroupNodes:
    """The predecessor of subgraphs: the inside is in `extra`, and the values are those of all inner nodes in a row."""

    def canvas(self, kind: str = "workflow>pair", values: object = (), **group: object) -> Canvas:
        canvas = Canvas(extra={"groupNodes": {"pair": {**GROUP, **group}}})
        host = canvas.add(kind, values=list(values), gives="IMAGE IMAGE", image1=empty_image(canvas, id=9))
        save(canvas, host[0])
        save(canvas, host[1])
        return canvas

    @pytest.mark.parametrize("kind", ["workflow>pair", "workflow/pair"])
    def test_it_unfolds_as_a_subgraph_would(self, kind):
        assert self.canvas(kind, values=[50, 40, 1, 200, 0.25, "multiply"]).prompt() == {
            "3": {"filename_prefix": "out", "images": ["12:10", 0]},
            "4": {"filename_prefix": "out", "images": ["12:11", 0]},
            "9": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
            "12:10": {"width": 50, "height": 40, "batch_size": 1, "color": 200},
            "12:11": {"blend_factor": 0.25, "blend_mode": "multiply", "image1": ["9", 0], "image2": ["12:10", 0]},
        }

    def test_missing_values_are_those_inside(self):
        assert self.canvas(values=[50]).prompt()["12:11"]["blend_mode"] == "normal"

    def test_hidden_outputs_take_no_slot(self):
        canvas = self.canvas(config={"0": {"output": {"0": {"visible": False}}}})
        prompt = canvas.prompt()
        assert prompt["3"]["images"] == ["12:11", 0]
        assert "images" not in prompt["4"]

    def test_without_its_inside_it_is_an_unknown_class(self):
        canvas = self.canvas("workflow>gone")
        assert canvas.converted().prompt["2"]["class_type"] == "workflow>gone"

    @pytest.mark.parametrize(
        "links", [[[0]], [[0, 0, 9, 0]], [[0, 0, 1, 9]], [None, "x", [-1, 0, 1, 0], [None, 0, 1, 0]]]
    )
    def test_odd_links_inside_are_no_links(self, links):
        assert "image2" not in self.canvas(links=links).prompt()["12:11"]

    def test_thousands_are_refused(self):
        canvas = self.canvas(nodes=[{"type": "Note"}] * 11_000)
        with pytest.raises(InvalidGraph, match="unfold to more than 10,000 nodes"):
            canvas.converted()


class TestRefused:
    def refusal(self, canvas: Canvas) -> str:
        with pytest.raises(InvalidGraph) as refused:
            canvas.converted()
        return str(refused.value)

    def test_a_subgraph_inside_itself(self):
        canvas = Canvas()
        inside = canvas.subgraph("ouroboros", takes={}, gives={})
        inside.add("ouroboros", gives="")
        canvas.add("ouroboros", gives="")
        assert self.refusal(canvas) == "the subgraph 'ouroboros' contains itself; break the circle and save again"

    def test_two_subgraphs_inside_each_other(self):
        canvas = Canvas()
        canvas.subgraph("egg", takes={}, gives={}).add("hen", gives="")
        canvas.subgraph("hen", takes={}, gives={}).add("egg", gives="")
        canvas.add("hen", gives="")
        assert "contains itself" in self.refusal(canvas)

    def test_an_input_wired_straight_to_an_output(self):
        canvas = Canvas()
        inside = canvas.subgraph("tube", takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
        inside.give(inside.taken(0))
        save(canvas, canvas.add("tube", image=empty_image(canvas)))
        assert "wired straight to an output" in self.refusal(canvas)

    def test_doubling_at_every_level(self):
        canvas = Canvas()
        canvas.subgraph("level0", takes={}, gives={}).add("EmptyImage")
        for level in range(30):
            inside = canvas.subgraph(f"level{level + 1}", takes={}, gives={})
            inside.add(f"level{level}", gives="")
            inside.add(f"level{level}", gives="")
        canvas.add("level30", gives="")
        assert "more than 20,000 nodes" in self.refusal(canvas)

    def test_a_tower(self):
        canvas = Canvas()
        canvas.subgraph("level0", takes={}, gives={}).add("EmptyImage")
        for level in range(100):
            canvas.subgraph(f"level{level + 1}", takes={}, gives={}).add(f"level{level}", gives="")
        canvas.add("level100", gives="")
        assert "nested more than 32 levels deep" in self.refusal(canvas)
