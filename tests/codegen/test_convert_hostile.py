"""Graphs nobody would draw: whatever is in the file, the answer is a prompt or a refusal, and it comes soon."""

import contextlib
import json
import re
import time
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.catalog import load_catalog
from codegen.convert import convert
from codegen.convert.text import first_alternatives, replace_references
from codegen.errors import InvalidGraph, WorkflowError
from codegen.interface import build_interface
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from tests.codegen.canvas import BYPASSED, Canvas, empty_image, save, text_to_image

CATALOG = load_catalog("0.33.0")
TYPES = [
    "EmptyImage", "ImageInvert", "KSampler", "SaveImage", "LoadImage", "ResizeImageMaskNode", "BatchImagesNode", "CustomCombo",
    "PrimitiveNode", "Reroute", "SetNode", "GetNode", "Note", "ImageCropV2", "ImageCompare", "Load3D", "Nobody", "inside", "outside", "",
    "ComfySwitchNode", "CLIPTextEncode", "SaveGLB", "Anything Everywhere", "Reroute (rgthree)", "workflow>group", "deep",
]  # fmt: skip

small = st.integers(-3, 6)
ids = st.one_of(small, st.sampled_from(["1", "x", "-10", "-20", -10, -20, None, True, 10**30]))
scalars = st.one_of(st.none(), st.booleans(), small, st.floats(), st.just(10**300), st.text(max_size=4))
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(
    [
        "image",
        "images",
        "width",
        "resize_type.width",
        "resize_type",
        "images.image0",
        "choice",
        "seed",
        "",
        "filename_prefix",
        "text",
    ]
)
types = st.sampled_from(["IMAGE", "INT", "*", "", "IMAGE,MASK", "STRING", ["a"], None, 0])
sockets = st.fixed_dictionaries(
    {},
    optional={
        "name": names | anything,
        "type": types,
        "link": ids,
        "widget": st.fixed_dictionaries({"name": names}) | anything,
    },
)
values = st.one_of(
    anything, st.lists(st.one_of(scalars, st.sampled_from(["scale width", "%a.width%", "{a|b}", "fixed"])), max_size=8)
)
promotions = st.lists(st.lists(st.one_of(ids.map(str), names), max_size=3) | anything, max_size=3)
graph_nodes = st.fixed_dictionaries(
    {"id": ids, "type": st.sampled_from(TYPES)},
    optional={
        "mode": st.sampled_from([0, 1, 2, 3, 4, 7, "x", None]),
        "inputs": st.lists(sockets, max_size=4) | anything,
        "outputs": st.lists(sockets, max_size=2) | anything,
        "widgets_values": values,
        "title": st.sampled_from(["a", None, 5]),
        "properties": st.fixed_dictionaries(
            {},
            optional={
                "proxyWidgets": promotions | anything,
                "Node name for S&R": st.sampled_from(["a", "KSampler", 5, []]),
            },
        )
        | anything,
    },
)
list_links = st.tuples(small, ids, small, ids, small, st.just("IMAGE")).map(list)
object_links = st.fixed_dictionaries(
    {"id": small, "origin_id": ids, "origin_slot": small, "target_id": ids, "target_slot": small}
)
graphs = st.fixed_dictionaries(
    {"nodes": st.lists(graph_nodes, max_size=6)},
    optional={"links": st.lists(list_links | object_links, max_size=8) | anything},
)
definitions = st.builds(
    lambda graph, name, takes, gives: {**graph, "id": name, "name": name, "inputs": takes, "outputs": gives},
    graphs,
    st.sampled_from(["inside", "outside", "Nobody"]),
    st.lists(sockets, max_size=2),
    st.lists(sockets, max_size=2),
)
documents = st.builds(
    lambda graph, inner, extra, last: {
        **graph,
        "definitions": {"subgraphs": inner},
        "extra": extra,
        "last_node_id": last,
    },
    graphs,
    st.lists(definitions, max_size=2) | anything,
    anything,
    anything,
)


@st.composite
def wired(draw, *, ids, boundaries, kinds=tuple(TYPES)):
    """Nodes whose sockets are mostly linked to something that exists, in the form and order of a saved graph."""
    drawn, links = [], []
    origins = [*ids, *boundaries]
    for identity in ids:
        inputs = []
        for name in draw(st.lists(names, max_size=3)):
            socket = {"name": name, "type": draw(types), "link": None}
            if draw(st.booleans()):
                socket["widget"] = {"name": name}
            if draw(st.integers(0, 3)):
                socket["link"] = len(links) + 1
                links.append(
                    {
                        "id": len(links) + 1,
                        "origin_id": draw(st.sampled_from(origins)),
                        "origin_slot": draw(st.integers(0, 1)),
                        "target_id": identity,
                        "target_slot": len(inputs),
                        "type": "IMAGE",
                    }
                )
            inputs.append(socket)
        drawn.append(
            {
                "id": identity,
                "type": draw(st.sampled_from(kinds)),
                "mode": draw(st.sampled_from([0, 0, 0, 2, 4])),
                "inputs": inputs,
                "outputs": [{"name": "o", "type": draw(types)} for _ in range(draw(st.integers(0, 2)))],
                "widgets_values": draw(values),
                "properties": {"proxyWidgets": draw(promotions)} if draw(st.booleans()) else {},
            }
        )
    if boundaries:
        for slot in range(2):
            links.append(
                {
                    "id": len(links) + 1,
                    "origin_id": draw(st.sampled_from(ids)),
                    "origin_slot": 0,
                    "target_id": -20,
                    "target_slot": slot,
                    "type": "IMAGE",
                }
            )
    return {"nodes": drawn, "links": links}


def subgraphs(name, kinds):
    ports = [{"name": "image", "type": "IMAGE"}, {"name": "width", "type": "INT"}]
    return wired(ids=[1, 7], boundaries=[-10], kinds=kinds).map(
        lambda graph: {**graph, "id": name, "name": name, "inputs": ports, "outputs": ports}
    )


plain = tuple(kind for kind in TYPES if kind not in {"inside", "outside", "deep"})
broadcasts = st.fixed_dictionaries(
    {"upstream": ids, "upstream_slot": small, "downstream": ids, "downstream_slot": small, "controller": ids}
)
group_nodes_inside = st.fixed_dictionaries(
    {"nodes": st.lists(graph_nodes, max_size=3)},
    optional={"links": st.lists(st.lists(small, max_size=5), max_size=3), "config": anything, "external": anything},
)
extras = st.fixed_dictionaries(
    {},
    optional={
        "ue_links": st.lists(broadcasts | anything, max_size=3),
        "groupNodes": st.fixed_dictionaries({"group": group_nodes_inside | anything}),
    },
)
plausible = st.builds(
    lambda graph, inner, outer, outermost, extra: {
        **graph,
        "definitions": {"subgraphs": [inner, outer, outermost]},
        "extra": extra,
    },
    wired(ids=[1, 2, 3, 4, 5], boundaries=[]),
    subgraphs("inside", plain),
    subgraphs("outside", (*plain, "inside", "inside", "inside")),
    subgraphs("deep", (*plain, "inside", "outside", "outside", "deep")),
    extras,
)


def finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given((plausible | documents).filter(finite))
def test_any_graph_gives_a_sound_prompt_or_a_refusal(document):
    workflow = parse_workflow(json.dumps(document).encode(), filename="x")
    try:
        conversion = convert(workflow, CATALOG)
    except InvalidGraph:
        return
    prompt = conversion.prompt
    assert convert(workflow, CATALOG) == conversion, "the same file gives the same"
    assert workflow.document == json.loads(json.dumps(document)), "reading a file does not change it"
    json.dumps(prompt, allow_nan=False)
    for node in prompt.values():
        assert set(node) == {"inputs", "class_type", "_meta"}
        for value in node["inputs"].values():
            if isinstance(value, list):
                source, slot = value
                assert source in prompt, "a link leads to a node of the prompt"
                assert isinstance(slot, int)
    build_interface("x", workflow, prompt, CATALOG)


api_nodes = st.fixed_dictionaries(
    {"class_type": st.sampled_from(TYPES) | anything},
    optional={"inputs": st.dictionaries(names, anything), "_meta": anything},
)


@given(st.dictionaries(st.text(max_size=4), api_nodes, min_size=1, max_size=4).filter(finite))
def test_a_prompt_converts_to_itself(document):
    if "nodes" in document:
        return
    conversion = convert(parse_workflow(json.dumps(document).encode(), filename="x"), CATALOG)
    assert json.dumps(conversion.prompt) == json.dumps(document)
    assert conversion.findings == ()


@given(st.text(alphabet="ab{}|\\/*\n ", max_size=40))
def test_alternatives_of_any_text(text):
    fixed, chosen = first_alternatives(text)
    assert len(fixed) <= len(text)
    assert all(choice in fixed for choice in chosen)
    assert not chosen or "|" in text


words = st.text(alphabet="ab {|}", max_size=4)
prompts = st.recursive(
    words, lambda inner: st.lists(st.lists(inner, min_size=1, max_size=3) | words, min_size=1, max_size=3), max_leaves=8
)


def written(part: object, *, choice: bool = False) -> tuple[str, str]:
    """A text as somebody would type it, and with the first of all alternatives: lists alternate between parts and choices."""
    if isinstance(part, str):
        return re.sub(r"([{|}])", r"\\\1", part), part
    parts = [written(inner, choice=not choice) for inner in part]
    if choice:
        return "{" + "|".join(typed for typed, _ in parts) + "}", parts[0][1]
    return "".join(typed for typed, _ in parts), "".join(fixed for _, fixed in parts)


@given(prompts)
def test_alternatives_nest_and_can_be_escaped(prompt):
    typed, fixed = written(prompt)
    assert first_alternatives(typed)[0] == fixed


@pytest.mark.parametrize(
    ("text", "expected", "chosen"),
    [
        ("plain", "plain", ()),
        ("{a|b} {c|d}", "a c", ("a", "c")),
        ("{a|{b|c}} d", "a d", ("a",)),
        ("{{a|b}|c} d", "a d", ("a",)),
        ("{x {a|b}} d", "x a d", ("x a",)),
        ("{|b} d", " d", ("",)),
        ("{only} }{", "only }", ()),
        (r"\{a\|b\}", "{a|b}", ()),
        ("a|b}", "a|b}", ()),
        ("/* // */ a // b\nc", " a \nc", ()),
        ("a /* never closed // b", "a /* never closed ", ()),
        ("http://example.com", "http:", ()),
        ("{a|b", "a", ("a",)),
    ],
)
def test_alternatives(text, expected, chosen):
    assert first_alternatives(text) == (expected, chosen)


@contextmanager
def soon(seconds: float = 5):
    """Work that would take minutes if it grew with the square of its input."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


@pytest.mark.parametrize("text", ["{" * 10**6, "{a|" * 10**5 + "}" * 10**5, "/*" * 10**6, "\\" * 10**6, "//" * 10**6])
def test_long_texts_take_time_by_their_length(text):
    with soon():
        first_alternatives(text)


def test_many_references_take_time_by_their_number():
    with soon():
        assert replace_references("%a.b%" * 10**5, lambda *_: "x") == ("x" * 10**5, False)


def test_many_quotes_take_time_by_their_number():
    with soon(), pytest.raises(WorkflowError):
        parse_workflow(b'{"nodes": [' + rb"\"" * 10**6, filename="x")


def test_types_with_many_alternatives_are_compared_soon():
    canvas = Canvas()
    source = empty_image(canvas)
    passed = canvas.add("Nobody", mode=BYPASSED, image=source)
    passed.saved["outputs"][0]["type"] = ",".join(f"b{number}" for number in range(50_000))
    canvas.add("Nobody", image=passed)
    canvas.nodes[-1]["inputs"][0]["type"] = ",".join(f"c{number}" for number in range(50_000))
    with soon():
        assert "image" not in canvas.prompt()["3"]


def test_thousands_of_wireless_links_and_subgraph_outputs_are_followed_soon():
    canvas = Canvas()
    inside = canvas.subgraph("many", takes={}, gives={f"o{number}": "IMAGE" for number in range(1500)})
    image = inside.add("EmptyImage", values=[1, 1, 1, 1])
    for number in range(1500):
        inside.give(image, number)
    host = canvas.add("many", gives="IMAGE " * 1500)
    for number in range(1500):
        canvas.add("SetNode", values=[f"n{number}"], gives="", image=host[number])
        save(canvas, canvas.add("GetNode", values=[f"n{number}"]))
    with soon():
        prompt = canvas.prompt()
    assert sum(inputs.get("images") == ["1:4502", 0] for inputs in prompt.values()) == 1500


def test_a_long_chain_is_followed_without_recursion():
    canvas = Canvas()
    source = empty_image(canvas)
    for _ in range(4000):
        source = canvas.add("Reroute", **{"": source})
    save(canvas, source)
    with soon():
        assert canvas.prompt()["4002"]["images"] == ["1", 0]


@pytest.mark.parametrize("slot", [-1, -2, -1000])
@pytest.mark.parametrize("mode", [0, BYPASSED])
def test_a_slot_below_the_first_is_none(slot, mode):
    canvas = Canvas()
    invert = canvas.add("ImageInvert", image=empty_image(canvas), mode=mode)
    save(canvas, invert)
    document = json.loads(json.dumps(canvas.saved()))
    for link in document["links"]:
        link[2] = link[4] = slot
    with contextlib.suppress(WorkflowError):
        convert(parse_workflow(json.dumps(document).encode(), filename="x.json"), CATALOG)


@pytest.mark.parametrize("kind", [{}, [], 7, None, True])
def test_a_type_that_is_no_text_is_no_obstacle_to_a_plan(kind):
    canvas = text_to_image()
    canvas.nodes.append({**canvas.nodes[0], "id": 99, "type": kind})
    with contextlib.suppress(WorkflowError):
        make_plan(canvas.workflow(), filename="x.json")
