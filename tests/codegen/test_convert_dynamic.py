"""Inputs that come and go: options of dynamic combos, groups that grow, combos that people fill themselves."""

from codegen.catalog import catalog_from_object_info
from tests.codegen.canvas import Canvas, empty_image


def test_the_selected_option_decides_which_values_follow():
    canvas = Canvas()
    image = empty_image(canvas)
    for values in (["scale width", 200, "area"], ["scale by multiplier", 1.5, "area"]):
        canvas.add("ResizeImageMaskNode", values=values, input=image)
    prompt = canvas.prompt()
    assert prompt["2"] == {
        "resize_type": "scale width",
        "resize_type.width": 200,
        "scale_method": "area",
        "input": ["1", 0],
    }
    assert prompt["3"] == {
        "resize_type": "scale by multiplier",
        "resize_type.multiplier": 1.5,
        "scale_method": "area",
        "input": ["1", 0],
    }


def test_links_into_another_option_are_lost():
    canvas = Canvas()
    image = empty_image(canvas)
    size = canvas.add("PrimitiveInt", values=[99, "fixed"], gives="INT")
    canvas.add(
        "ResizeImageMaskNode",
        values=["scale width", 200, "area"],
        widgets="resize_type.width resize_type.height",
        input=image,
        resize_type__match=image,
        resize_type__height=size,
        resize_type__width=size,
    )
    assert canvas.prompt()["3"] == {
        "resize_type": "scale width",
        "resize_type.width": ["2", 0],
        "scale_method": "area",
        "input": ["1", 0],
    }


def test_an_unknown_option_has_no_inputs_so_later_values_move_up():
    canvas = Canvas()
    canvas.add("ResizeImageMaskNode", values=["from the future", 200, "area"], input="IMAGE")
    assert canvas.prompt()["1"] == {"resize_type": "from the future", "scale_method": 200}


def test_a_group_that_grows_shows_what_is_linked():
    canvas = Canvas()
    first, second = empty_image(canvas), empty_image(canvas)
    canvas.add("BatchImagesNode", images__image0=first, images__image1="IMAGE", images__image2=second)
    assert canvas.prompt()["3"] == {"images.image0": ["1", 0], "images.image2": ["2", 0]}


def test_a_group_of_widgets_begins_in_front_of_the_others():
    template = {"input": {"required": {"value": ["FLOAT", {"default": 0.5}]}}, "names": ["a", "b", "c"], "min": 1}
    catalog = catalog_from_object_info(
        {
            "Sum": {
                "input": {
                    "required": {
                        "name": ["STRING", {"default": "s"}],
                        "values": ["COMFY_AUTOGROW_V3", {"template": template}],
                    }
                },
                "output": ["FLOAT"],
            }
        },
        version="own",
    )
    canvas = Canvas()
    canvas.add("Sum", values=[1.5, 2.5, "total", 3.5], gives="FLOAT", widgets="values.c", values__c="FLOAT")
    assert canvas.prompt(catalog)["1"] == {"values.a": 1.5, "values.b": 2.5, "name": "total", "values.c": 3.5}


def test_custom_combos_compute_their_index():
    canvas = Canvas()
    canvas.add("CustomCombo", values=["b", 0, "a", "b", "", "c"], gives="STRING INT")
    canvas.add("CustomCombo", values=["z", 0, "a", ""], gives="STRING INT")
    assert canvas.prompt() == {
        "1": {"choice": "b", "index": 1, "option1": "a", "option2": "b", "option3": ""},
        "2": {"choice": "z", "index": -1, "option1": "a", "option2": ""},
    }
