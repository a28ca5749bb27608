"""Types that match: outputs and inputs of one node whose types follow what is linked (`COMFY_MATCHTYPE_V3`, `Reroute`).

The frontend settles them once a file is loaded. A link that leaves such an output for a socket which does not take the
settled type is cut. Source: ComfyUI_frontend, core/graph/widgets/dynamicWidgets.ts (`withComfyMatchType`) and
extensions/core/rerouteNode.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.catalog import InputDefinition, input_definitions
from codegen.convert.dynamic import AUTOGROW
from codegen.convert.graph import INPUT_BOUNDARY, OUTPUT_BOUNDARY, Graph, Link, Node, Slot
from codegen.convert.types import ANY, common_type, compatible
from codegen.convert.virtual import REROUTE
from codegen.json_values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.catalog import Catalog, NodeDefinition

MATCH_TYPE = "COMFY_MATCHTYPE_V3"
MAX_ROUNDS = 1_000
"""More than there are nodes: how often one can be asked again because of what it takes."""


def allowed_types(entry: InputDefinition) -> str:
    """What an input can take at most."""
    allowed = as_object(entry.options.get("template")).get("allowed_types")
    return allowed if isinstance(allowed, str) else ANY


def settle_match_types(graph: Graph, catalog: Catalog) -> None:
    """Settle every node of a graph, in the order of the file; a change is passed on to the nodes behind it."""
    matching: dict[str, NodeDefinition | None] = {}
    for node in graph.nodes.values():
        definition = catalog.get(node.type)
        if node.type == REROUTE:
            matching[node.id] = None
            for socket in (*node.inputs, *node.outputs):
                socket.type = ANY
        elif definition is not None and any(map(has_match_types, definition.inputs)):
            matching[node.id] = definition
    waiting = dict.fromkeys(matching)
    for _ in range(MAX_ROUNDS + len(matching)):
        if not waiting:
            break
        identity = next(iter(waiting))
        del waiting[identity]
        node, definition = graph.nodes[identity], matching[identity]
        behind = _settle_reroute(graph, node) if definition is None else _settle(graph, node, definition)
        waiting |= dict.fromkeys(key for key in behind if key in matching)


def _settle_reroute(graph: Graph, node: Node) -> list[str]:
    """Ids of the nodes behind a reroute that has another type now."""
    kind = _type_behind(graph, node.inputs[0]) if node.inputs else ANY
    if not node.outputs or node.outputs[0].type == kind:
        return []
    node.outputs[0].type = kind
    return _cut_unfit(graph, node.id, 0, kind)


def _settle(graph: Graph, node: Node, definition: NodeDefinition) -> list[str]:
    """Ids of the nodes behind outputs that have another type now."""
    behind: list[str] = []
    for group, sockets, allowed in _groups(node, definition):
        settled = _settle_inputs(graph, sockets, allowed)
        if settled is None:
            continue
        for slot, matched in enumerate(as_list(definition.raw.get("output_matchtypes"))[: len(node.outputs)]):
            if matched == group and node.outputs[slot].type != settled:
                node.outputs[slot].type = settled
                behind += _cut_unfit(graph, node.id, slot, settled)
    return behind


def has_match_types(entry: InputDefinition) -> bool:
    """Whether the input, or what a group of this kind grows, has a type that is to match."""
    return next(_matching(entry), None) is not None


def _matching(entry: InputDefinition) -> Iterator[InputDefinition]:
    """The input itself, or what a group of this kind grows, if its type is to match."""
    if entry.type == MATCH_TYPE:
        yield entry
    elif entry.type == AUTOGROW:
        template = as_object(entry.options.get("template"))
        yield from (inner for inner in input_definitions(template.get("input")) if inner.type == MATCH_TYPE)


def _groups(node: Node, definition: NodeDefinition) -> Iterator[tuple[str, list[Slot], list[str]]]:
    """Sockets whose types have to match, with what each can take at most."""
    groups: dict[str, tuple[list[Slot], list[str]]] = {}
    for entry in definition.inputs:
        for matching in _matching(entry):
            group = str(as_object(matching.options.get("template")).get("template_id"))
            sockets, allowed = groups.setdefault(group, ([], []))
            for socket in node.inputs:
                if socket.name == entry.name or (matching is not entry and socket.name.startswith(f"{entry.name}.")):
                    sockets.append(socket)
                    allowed.append(allowed_types(matching))
    for group, (sockets, allowed) in groups.items():
        yield group, sockets, allowed


def _settle_inputs(graph: Graph, sockets: list[Slot], allowed: list[str]) -> str | None:
    """The type of the outputs; `None` if what is linked excludes each other."""
    linked = [_type_behind(graph, socket) for socket in sockets]
    for index, socket in enumerate(sockets):
        others = linked[:index] + linked[index + 1 :]
        kind = common_type([*others, allowed[index]])
        if kind is None:
            return None
        socket.type = kind
    return common_type(linked)


def _type_behind(graph: Graph, socket: Slot) -> str:
    link = graph.links.get(socket.link) if socket.link is not None else None
    if link is None:
        return ANY
    if link.origin == INPUT_BOUNDARY:
        outputs = graph.inputs
    else:
        origin = graph.nodes.get(link.origin)
        outputs = origin.outputs if origin is not None else []
    return outputs[link.origin_slot].type if 0 <= link.origin_slot < len(outputs) else ANY


def _cut_unfit(graph: Graph, origin: str, slot: int, kind: str) -> list[str]:
    """Cut the links of an output to sockets that do not take `kind`; ids of the nodes that were or stay linked."""
    behind: list[str] = []
    unfit: list[Link] = []
    for link in graph.links_from(origin, slot):
        target = graph.nodes.get(link.target)
        sockets = graph.outputs if link.target == OUTPUT_BOUNDARY else target.inputs if target is not None else []
        if not 0 <= link.target_slot < len(sockets):
            continue
        socket = sockets[link.target_slot]
        if not compatible(kind, socket.type):
            unfit.append(link)
            if socket.link == link.id:
                socket.link = None
        behind.append(link.target)
    graph.cut(unfit)
    return behind
