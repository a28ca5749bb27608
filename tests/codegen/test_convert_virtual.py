"""Nodes of packs that exist in the browser alone: wireless links, broadcasts, switches for modes, labels."""

import pytest

from codegen.errors import InvalidGraph
from tests.codegen.canvas import BYPASSED, MUTED, Canvas, Drawn, Output, empty_image, save


def put(canvas: Canvas, name: str, source: Drawn | Output, **more: object) -> Drawn:
    return canvas.add("SetNode", values=[name], IMAGE=source, **more)


def get(canvas: Canvas, name: object, **more: object) -> Drawn:
    return canvas.add("GetNode", values=[name], **more)


def told(canvas: Canvas) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.node) for finding in canvas.converted().findings]


class TestSetAndGet:
    @pytest.mark.parametrize(("setter", "getter"), [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
    def test_a_getter_stands_for_what_goes_into_the_setter(self, setter, getter):
        canvas = Canvas()
        canvas.add(setter, values=["picture"], IMAGE=empty_image(canvas, id=9))
        save(canvas, canvas.add(getter, values=["picture"]))
        assert canvas.prompt() == {
            "4": {"filename_prefix": "out", "images": ["9", 0]},
            "9": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        }
        assert told(canvas) == []

    def test_a_setter_passes_on_too(self):
        canvas = Canvas()
        save(canvas, put(canvas, "picture", empty_image(canvas, id=9)))
        assert canvas.prompt()["3"]["images"] == ["9", 0]

    def test_chains(self):
        canvas = Canvas()
        put(canvas, "a", empty_image(canvas, id=9))
        put(canvas, "b", get(canvas, "a"))
        put(canvas, "c", canvas.add("Reroute", **{"": get(canvas, "b")}))
        save(canvas, get(canvas, "c"), id=20)
        assert canvas.prompt()["20"]["images"] == ["9", 0]

    def test_a_getter_in_a_subgraph_looks_around_it(self):
        canvas = Canvas()
        innermost = canvas.subgraph("innermost", takes={}, gives={"image": "IMAGE"})
        innermost.give(innermost.add("ImageInvert", id=31, image=get(innermost, "picture", id=32)))
        middle = canvas.subgraph("middle", takes={}, gives={"image": "IMAGE"})
        middle.give(middle.add("innermost", id=21))
        put(canvas, "picture", empty_image(canvas, id=9))
        canvas.add("middle", id=11)
        assert canvas.prompt()["11:21:31"]["image"] == ["9", 0]

    def test_the_nearest_setter_counts(self):
        canvas = Canvas()
        inside = canvas.subgraph("inside", takes={}, gives={})
        put(inside, "picture", empty_image(inside, id=31), id=32)
        inside.add("ImageInvert", id=33, image=get(inside, "picture", id=34))
        put(canvas, "picture", empty_image(canvas, id=9))
        canvas.add("inside", id=11, gives="")
        assert canvas.prompt()["11:33"]["image"] == ["11:31", 0]
        assert told(canvas) == []

    def test_a_setter_inside_a_subgraph_is_not_seen_outside(self):
        canvas = Canvas()
        inside = canvas.subgraph("inside", takes={}, gives={})
        put(inside, "picture", empty_image(inside, id=31), id=32)
        canvas.add("inside", id=11, gives="")
        save(canvas, get(canvas, "picture", id=12), id=13)
        assert "images" not in canvas.prompt()["13"]
        assert told(canvas) == [("missing-setter", "12")]

    def test_a_setter_inside_takes_what_the_host_is_given(self):
        canvas = Canvas()
        inside = canvas.subgraph("inside", takes={"image": "IMAGE"}, gives={"image": "IMAGE"})
        put(inside, "picture", inside.taken(0), id=32)
        inside.give(get(inside, "picture", id=34))
        save(canvas, canvas.add("inside", id=11, image=empty_image(canvas, id=9)), id=12)
        assert canvas.prompt()["12"]["images"] == ["9", 0]

    @pytest.mark.parametrize("name", ["nobody set this", None, 5, ""])
    def test_without_a_setter_nothing_is_connected_and_that_is_said(self, name):
        canvas = Canvas()
        put(canvas, "picture", empty_image(canvas, id=9))
        save(canvas, get(canvas, name, id=5), id=6)
        assert canvas.prompt()["6"] == {"filename_prefix": "out"}
        assert told(canvas) == [("missing-setter", "5")]

    def test_the_first_of_two_setters_is_taken_and_that_is_said(self):
        canvas = Canvas()
        put(canvas, "picture", empty_image(canvas, id=8), id=1)
        put(canvas, "picture", empty_image(canvas, id=9), id=2)
        save(canvas, get(canvas, "picture", id=5), id=6)
        assert canvas.prompt()["6"]["images"] == ["8", 0]
        (finding,) = canvas.converted().findings
        assert finding.message == "2 Set nodes are named 'picture'; the first of them, 1, is taken"

    def test_a_circle_is_refused(self):
        canvas = Canvas()
        put(canvas, "a", get(canvas, "b"))
        put(canvas, "b", get(canvas, "a"))
        save(canvas, get(canvas, "a"))
        with pytest.raises(InvalidGraph, match="in a circle"):
            canvas.converted()

    def test_a_muted_getter_gives_nothing_and_a_muted_setter_still_does(self):
        canvas = Canvas()
        put(canvas, "picture", empty_image(canvas, id=9), mode=MUTED)
        save(canvas, get(canvas, "picture"), id=20)
        save(canvas, get(canvas, "picture", mode=MUTED), id=21)
        prompt = canvas.prompt()
        assert prompt["20"]["images"] == ["9", 0]
        assert "images" not in prompt["21"]


class TestRgthree:
    def test_its_reroutes_are_followed(self):
        canvas = Canvas()
        save(canvas, canvas.add("Reroute (rgthree)", **{"": empty_image(canvas, id=9)}))
        assert canvas.prompt()["3"]["images"] == ["9", 0]

    def test_what_labels_and_switches_modes_does_not_run(self):
        canvas = Canvas()
        image = empty_image(canvas, id=9)
        for name in ("Label", "Bookmark", "Fast Groups Muter", "Fast Groups Bypasser", "Node Combiner"):
            canvas.add(f"{name} (rgthree)", gives="*", OPT_CONNECTION=image)
        assert list(canvas.prompt()) == ["9"]
        assert told(canvas) == []

    def test_what_runs_on_the_server_stays(self):
        canvas = Canvas()
        save(canvas, canvas.add("Any Switch (rgthree)", any_01=empty_image(canvas, id=9)))
        assert canvas.prompt()["2"] == {"any_01": ["9", 0]}


LINK = {"downstream": 2, "downstream_slot": 0, "upstream": "9", "upstream_slot": 0, "controller": 1, "type": "IMAGE"}


class TestBroadcasts:
    def canvas(self, *links: object, mode: int = 0) -> Canvas:
        canvas = Canvas(extra={"ue_links": list(links)})
        image = empty_image(canvas, id=9)
        canvas.add("Anything Everywhere", id=1, gives="", mode=mode, anything=image)
        save(canvas, "IMAGE", id=2)
        return canvas

    def test_saved_links_become_real(self):
        canvas = self.canvas(LINK)
        assert canvas.prompt() == {
            "2": {"filename_prefix": "out", "images": ["9", 0]},
            "9": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        }
        assert told(canvas) == []

    def test_a_link_of_its_own_wins(self):
        canvas = self.canvas(LINK)
        save(canvas, empty_image(canvas, id=8), id=3)
        canvas.extra["ue_links"].append({**LINK, "downstream": 3})
        assert canvas.prompt()["3"]["images"] == ["8", 0]

    def test_without_saved_links_it_is_said_that_they_are_unknown(self):
        canvas = self.canvas()
        assert canvas.prompt()["2"] == {"filename_prefix": "out"}
        assert told(canvas) == [("unknown-broadcast", "1")]

    @pytest.mark.parametrize("mode", [MUTED, BYPASSED])
    def test_one_that_is_switched_off_says_nothing(self, mode):
        assert told(self.canvas(mode=mode)) == []

    @pytest.mark.parametrize(
        "link",
        [
            None,
            5,
            {},
            {**LINK, "downstream": 77},
            {**LINK, "upstream": None},
            *({**LINK, "downstream_slot": slot} for slot in (-1, 99, "0", None)),
        ],
    )
    def test_odd_links_are_no_links(self, link):
        assert self.canvas(link).prompt()["2"] == {"filename_prefix": "out"}
