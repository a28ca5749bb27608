"""Sockets as the editor has them once a file is loaded: their order and types come from the definitions."""

import time

from tests.codegen.canvas import BYPASSED, Canvas, empty_image, save


class TestOrderAndTypes:
    """They decide what a bypassed node passes on."""

    def test_the_definition_decides_the_order(self):
        canvas = Canvas()
        text = canvas.add("PrimitiveString", values=["fox"], gives="STRING")
        passed = canvas.add("StringReplace", gives="STRING", mode=BYPASSED, widgets="replace", replace=text)
        canvas.add("CLIPTextEncode", values=["own"], gives="CONDITIONING", widgets="text", text=passed)
        assert canvas.prompt()["3"]["text"] == "own", "its first input is the text to search in, and nothing feeds it"

    def test_the_definition_decides_the_types(self):
        canvas = Canvas()
        passed = canvas.add("ImageInvert", mode=BYPASSED, image=empty_image(canvas, id=9))
        save(canvas, passed)
        for node in canvas.nodes:
            for socket in (*node["inputs"], *node["outputs"]):
                socket["type"] = "MASK"
        assert canvas.prompt()["3"]["images"] == ["9", 0]

    def test_a_socket_for_a_widget_that_is_not_there_is_gone(self):
        canvas = Canvas()
        number = canvas.add("PrimitiveInt", values=[5, "fixed"], gives="INT")
        canvas.add("EmptyImage", values=[64, 48, 1, 0], widgets="depth", depth=number, more=number)
        assert canvas.prompt()["2"] == {"width": 64, "height": 48, "batch_size": 1, "color": 0, "more": ["1", 0]}


class TestMatchingTypes:
    """An output can take the type of what is linked; links to sockets of another type are then cut."""

    def draw(self, source: str, kind: str, *, mode: int = 0) -> dict[str, object]:
        canvas = Canvas()
        made = canvas.add(source, gives=kind)
        resized = canvas.add("ResizeImageMaskNode", values=["scale width", 64, "area"], mode=mode, input=made)
        save(canvas, resized)
        return canvas.prompt()["3"]

    def test_a_picture_stays_linked_to_what_saves_pictures(self):
        assert self.draw("EmptyImage", "IMAGE")["images"] == ["2", 0]

    def test_a_mask_does_not(self):
        assert "images" not in self.draw("SolidMask", "MASK")

    def test_not_even_through_a_bypassed_node(self):
        assert "images" not in self.draw("SolidMask", "MASK", mode=BYPASSED)

    def test_a_switch_between_pictures_and_masks_settles_nothing(self):
        canvas = Canvas()
        switch = canvas.add(
            "ComfySwitchNode",
            values=[True],
            gives="*",
            on_false=empty_image(canvas, id=8),
            on_true=canvas.add("SolidMask", id=9, gives="MASK"),
        )
        save(canvas, switch)
        assert canvas.prompt()["4"]["images"] == ["3", 0]

    def test_one_tells_the_next(self):
        canvas = Canvas()
        first = canvas.add("ComfySwitchNode", id=7, values=[True], gives="*", on_true="*")
        second = canvas.add("ComfySwitchNode", id=8, values=[True], gives="*", on_true=first)
        save(canvas, second, id=9)
        canvas.socket(first.saved, "on_false", canvas.add("SolidMask", id=3, gives="MASK"), widget=False)
        assert "images" not in canvas.prompt()["9"]

    def test_inside_a_subgraph_the_link_to_its_output_is_cut(self):
        canvas = Canvas()
        inside = canvas.subgraph("inside", takes={"mask": "MASK"}, gives={"image": "IMAGE"})
        inside.give(inside.add("ResizeImageMaskNode", id=11, values=["scale width", 64, "area"], input=inside.taken(0)))
        save(canvas, canvas.add("inside", mask=canvas.add("SolidMask", id=9, gives="MASK")))
        assert "images" not in canvas.prompt()["3"]

    def test_a_reroute_carries_the_type_on(self):
        canvas = Canvas()
        mask = canvas.add("SolidMask", gives="MASK")
        once = canvas.add("Reroute", gives="IMAGE", **{"": mask})
        twice = canvas.add("Reroute", gives="IMAGE", **{"": once})
        save(canvas, twice)
        canvas.add("InvertMask", gives="MASK", mask=twice)
        prompt = canvas.prompt()
        assert "images" not in prompt["4"], "whatever types the file has"
        assert prompt["5"]["mask"] == ["1", 0]

    def test_a_growing_group_settles_too_and_closes_its_gaps(self):
        canvas = Canvas()
        mask = canvas.add("SolidMask", gives="MASK")
        listed = canvas.add("CreateList", gives="*", inputs__input0="*", inputs__input1=mask, inputs__input2="*")
        save(canvas, listed)
        canvas.add("MaskPreview", gives="", mask=listed)
        prompt = canvas.prompt()
        assert prompt["2"] == {"inputs.input0": ["1", 0]}
        assert "images" not in prompt["3"]
        assert prompt["4"]["mask"] == ["2", 0]

    def test_thousands_of_links_that_do_not_fit_are_cut_soon(self):
        canvas = Canvas()
        mask = canvas.add("SolidMask", gives="MASK")
        reroute = canvas.add("Reroute", **{"": mask})
        for _ in range(3000):
            save(canvas, reroute)
            reroute = canvas.add("Reroute", **{"": reroute})
        started = time.process_time()
        assert all("images" not in inputs for inputs in canvas.prompt().values())
        assert time.process_time() - started < 5
