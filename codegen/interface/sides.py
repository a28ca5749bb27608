"""Which texts a picture is drawn towards, and which away from.

Every sampler and guider takes conditionings, each by an input whose name says the side. From there the wires are
followed back: a conditioning through whatever changes it on its way, to the nodes that encode text, and a text through
switches, primitives and nodes that join texts, to where it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codegen.interface.prompt_graph import PromptGraph, Wire

Side: TypeAlias = Literal["positive", "negative"]
Place: TypeAlias = tuple[str, str]
"""A node, and an input of it."""

CONDITIONING, STRING = "CONDITIONING", "STRING"
_ANY = frozenset({"", "*", "COMFY_MATCHTYPE_V3"})
"""Types of outputs that carry whatever comes in."""
_NAMED = {"cond": CONDITIONING, "positive": CONDITIONING, "negative": CONDITIONING, "text": STRING, "prompt": STRING}
"""What inputs take in classes that nobody has defined, by what is in their names."""
_SILENCERS = frozenset({"ConditioningZeroOut"})
"""What goes in has no effect on what comes out."""
_BETWEEN = "cond2"
"""Of DualCFGGuider: all that is not the prompt, such as a picture, with the text that is unwanted."""
_PAIR = ("positive", "negative")
"""Nodes that take both give both, in this order where the outputs are not called so. In classes that nobody has
defined, these inputs are known for what they are by their names."""


def text_sides(graph: PromptGraph, is_text: Callable[[str, str], bool]) -> dict[Place, Side]:
    """The side of every text that reaches a sampler; positive for one that reaches both."""
    found: dict[Place, Side] = {}
    for side in ("negative", "positive"):
        starts = [wire for node in graph.prompt for wire in _starts(graph, node) if _side(wire.name) == side]
        found |= dict.fromkeys(_texts_behind(graph, starts, is_text), side)
    return found


def _starts(graph: PromptGraph, node: str) -> Iterator[Wire]:
    """Conditionings that a node uses up."""
    if CONDITIONING not in graph.gives(node):
        for wire in graph.wires_into(node).values():
            if _is_conditioning(graph, wire):
                yield wire


def _side(name: str) -> Side:
    return "negative" if "neg" in name.lower() or name.startswith("uncond") or name == _BETWEEN else "positive"


def _is_conditioning(graph: PromptGraph, wire: Wire) -> bool:
    definition = graph.definition(wire.target)
    if definition is None:
        return wire.name in _PAIR
    declared = definition.input(wire.name)
    return declared is not None and declared.type == CONDITIONING


def _texts_behind(graph: PromptGraph, starts: list[Wire], is_text: Callable[[str, str], bool]) -> Iterator[Place]:
    seen: set[tuple[str, int, str]] = set()
    waiting = [(wire, CONDITIONING) for wire in reversed(starts)]
    while waiting:
        wire, wanted = waiting.pop()
        key = (wire.source, wire.slot, wanted)
        if key in seen or graph.class_type(wire.source) in _SILENCERS:
            continue
        seen.add(key)
        node = wire.source
        if wanted == STRING or _encodes(graph, node):
            yield from ((node, name) for name in graph.inputs(node) if is_text(node, name))
        side = _passed_side(graph, wire)
        for inner in graph.wires_into(node).values():
            carried = _carried(graph, inner)
            if carried == STRING or (carried is None and wanted == STRING):
                waiting.append((inner, STRING))
            elif wanted == CONDITIONING and carried in {CONDITIONING, None} and side in {None, inner.name}:
                waiting.append((inner, CONDITIONING))


def _carried(graph: PromptGraph, wire: Wire) -> str | None:
    """The type of what a wire carries, by either end, else by the name of the input; `None` for whatever it may be."""
    given = graph.output(wire)[0]
    if given not in _ANY:
        return given
    definition = graph.definition(wire.target)
    declared = definition.input(wire.name) if definition else None
    if declared is not None and declared.type not in _ANY:
        return declared.type
    if definition is None:
        name = wire.name.lower()
        return next((kind for part, kind in _NAMED.items() if part in name), "")
    return None


def _encodes(graph: PromptGraph, node: str) -> bool:
    given = graph.gives(node)
    return not given or CONDITIONING in given


def _passed_side(graph: PromptGraph, wire: Wire) -> str | None:
    """The input that a node with both sides passes to this output of it."""
    inputs = graph.wires_into(wire.source)
    if not all(name in inputs for name in _PAIR):
        return None
    definition = graph.definition(wire.source)
    if definition is None:
        return wire.name if wire.name in _PAIR else None
    name = graph.output(wire)[1].lower()
    if name in _PAIR:
        return name
    slots = [slot for slot, output in enumerate(definition.outputs) if output.type == CONDITIONING]
    return dict(zip(slots, _PAIR, strict=False)).get(wire.slot)
