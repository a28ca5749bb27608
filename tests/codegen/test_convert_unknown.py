"""Classes without a definition: what the file itself says, until a server says more."""

import pytest

from codegen.catalog import catalog_from_object_info, load_catalog
from tests.codegen.canvas import MUTED, Canvas, empty_image


def test_values_come_from_the_sockets_in_the_file():
    canvas = Canvas()
    canvas.add(
        "Sharpen+",
        values=[3, "randomize", "high"],
        widgets="seed quality",
        image=empty_image(canvas, id=9),
        seed="INT",
        quality="COMBO",
    )
    conversion = canvas.converted()
    assert conversion.prompt["2"] == {
        "inputs": {"seed": 3, "quality": "high", "image": ["9", 0]},
        "class_type": "Sharpen+",
        "_meta": {"title": "Sharpen+"},
    }
    assert [(finding.code, finding.node) for finding in conversion.findings] == [("needs-preflight", "2")]


def test_values_come_by_name_where_the_file_has_them():
    canvas = Canvas()
    node = canvas.add("Sharpen+", values=["sfx", 3, "randomize", 0.5])
    node.saved["widgets_values_named"] = {
        "model": "sfx",
        "model.seed": 3,
        "control_after_generate": "randomize",
        "amount": 0.5,
    }
    assert canvas.prompt() == {"1": {"model": "sfx", "model.seed": 3, "amount": 0.5}}


@pytest.mark.parametrize("widgets", ["", "frame_rate"])
def test_objects_are_read_by_name(widgets):
    values = {"frame_rate": 8, "pingpong": False, "videopreview": {"hidden": False}, "upload": "image"}
    canvas = Canvas()
    canvas.add("VHS_VideoCombine", values=values, widgets=widgets, **dict.fromkeys(widgets.split(), "INT"))
    assert canvas.prompt()["1"] == ({"frame_rate": 8} if widgets else {"frame_rate": 8, "pingpong": False})


def test_objects_are_read_by_name_with_the_definition_of_a_pack_too():
    definition = {
        "input": {"required": {"frame_rate": ["FLOAT", {"default": 24}], "loop": ["INT", {"default": 0}]}},
        "python_module": "custom_nodes.ComfyUI-VideoHelperSuite",
    }
    canvas = Canvas()
    canvas.add("VHS_VideoCombine", values={"frame_rate": 8, "videopreview": {}})
    catalog = catalog_from_object_info({"VHS_VideoCombine": definition}, version="own")
    assert canvas.prompt(catalog)["1"] == {"frame_rate": 8, "loop": 0}


def test_given_definitions_make_it_exact():
    definition = {
        "display_name": "Sharpen a lot",
        "input": {"required": {"quality": [["low", "high"]], "seed": ["INT", {}]}},
    }
    own = catalog_from_object_info({"Sharpen+": definition}, version="own")
    canvas = Canvas()
    canvas.add("Sharpen+", values=["high", 3, "randomize"])
    conversion = canvas.converted(load_catalog("0.33.0").overlay(own))
    assert conversion.prompt["1"]["inputs"] == {"quality": "high", "seed": 3}
    assert conversion.prompt["1"]["_meta"] == {"title": "Sharpen a lot"}
    assert conversion.findings == ()


def test_values_without_a_name_are_left_out_and_that_is_said():
    canvas = Canvas()
    canvas.add("Sharpen+", values=[3, "randomize", "high", 0.5, True], widgets="seed", seed="INT")
    conversion = canvas.converted()
    assert conversion.prompt["1"]["inputs"] == {"seed": 3}
    (finding,) = conversion.findings
    assert finding.message == (
        "'Sharpen+' is not known here: its values come from the slots in the file; 3 of them have no name there, "
        "and are left out"
    )


def test_an_unknown_node_that_does_not_run_is_no_matter():
    canvas = Canvas()
    canvas.add("Sharpen+", values=[3], mode=MUTED)
    assert canvas.converted().findings == ()
