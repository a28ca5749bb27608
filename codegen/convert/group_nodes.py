"""Group nodes, the predecessor of subgraphs: nodes of type `workflow>name`, with their inside in `extra.groupNodes`.

The frontend makes a subgraph of each when it loads the file, and so does this: the inner nodes and then the new host
get the next free ids. Source of the format: ComfyUI_frontend, src/extensions/core/groupNode.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.convert.graph import ACTIVE, INPUT_BOUNDARY, OUTPUT_BOUNDARY, Graph, Link, Node, Slot, read_node
from codegen.convert.widgets import ABSENT, widgets_of
from codegen.errors import InvalidGraph
from codegen.json_values import as_list, as_object, objects

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.convert.graph import Document
    from codegen.model import JsonObject

PREFIXES = ("workflow>", "workflow/")
_LINK_FIELDS = 4
MAX_DIGITS = 15
"""Of an id that JavaScript can count on from."""
MAX_INNER = 10_000
"""Nodes in all groups of a file: each host has an inside of its own."""


def unfold_groups(document: Document, catalog: Catalog) -> None:
    """Turn every group node of the root graph into a host with a subgraph of its own.

    Raises:
        InvalidGraph: more of them than anybody could draw.
    """
    root = document.root
    last = max([document.last_node_id, *(int(key) for key in root.nodes if key.isdecimal() and len(key) <= MAX_DIGITS)])
    renamed: dict[str, str] = {}
    inner = 0
    for node in list(root.nodes.values()):
        source = _inside(document, node)
        if source is None:
            continue
        listed = objects(source.get("nodes"))
        inner += len(listed)
        if inner > MAX_INNER:
            raise InvalidGraph(f"the group nodes unfold to more than {MAX_INNER:,} nodes")
        ids = [str(last + number) for number in range(1, len(listed) + 1)]
        last += len(listed) + 1
        renamed[node.id] = str(last)
        identity = f"{node.type} {node.id}"
        document.subgraphs[identity] = _graph(node, source, ids, catalog)
        node.type = identity
        node.mode = ACTIVE
    if renamed:
        root.rename(renamed)
        document.last_node_id = last


def _inside(document: Document, node: Node) -> JsonObject | None:
    for prefix in PREFIXES:
        if node.type.startswith(prefix):
            return as_object(document.group_nodes.get(node.type.removeprefix(prefix))) or None
    return None


def _graph(host: Node, source: JsonObject, ids: list[str], catalog: Catalog) -> Graph:
    """The inside of one host, with the host's values in its nodes."""
    entries = objects(source.get("nodes"))
    nodes = [read_node({**entry, "id": identity}) for identity, entry in zip(ids, entries, strict=True)]
    graph = Graph(nodes={node.id: node for node in nodes}, links={}, name=host.type)
    linked: set[tuple[int, int]] = set()
    used: set[tuple[int, int]] = set()
    for entry in as_list(source.get("links")):
        ends = _places(entry)
        if len(ends) < _LINK_FIELDS:
            continue
        origin, slot, target, target_slot = ends[:_LINK_FIELDS]
        if origin < len(nodes) and target < len(nodes) and target_slot < len(nodes[target].inputs):
            used.add((origin, slot))
            linked.add((target, target_slot))
            _wire(graph, nodes[origin].id, slot, nodes[target].id, target_slot)
    _show_inputs(graph, host, nodes, linked, as_object(source.get("config")))
    _show_outputs(graph, nodes, used, source)
    _take_values(host, nodes, linked, catalog)
    return graph


def _wire(graph: Graph, origin: str, slot: int, target: str, target_slot: int) -> None:
    identity = str(len(graph.links) + 1)
    graph.links[identity] = Link(identity, origin, slot, target, target_slot)
    if target != OUTPUT_BOUNDARY:
        graph.nodes[target].inputs[target_slot].link = identity


def _show_inputs(graph: Graph, host: Node, nodes: list[Node], linked: set[tuple[int, int]], config: JsonObject) -> None:
    """Sockets that nothing inside feeds become the host's, in order."""
    for index, node in enumerate(nodes):
        hidden = as_object(as_object(config.get(str(index))).get("input"))
        for slot, socket in enumerate(node.inputs):
            shown = as_object(hidden.get(socket.name)).get("visible") is not False
            if (index, slot) in linked or socket.widget is not None or not shown:
                continue
            position = len(graph.inputs)
            name = host.inputs[position].name if position < len(host.inputs) else socket.name
            graph.inputs.append(Slot(name, socket.type))
            _wire(graph, INPUT_BOUNDARY, position, node.id, slot)


def _show_outputs(graph: Graph, nodes: list[Node], used: set[tuple[int, int]], source: JsonObject) -> None:
    """Outputs that nothing inside takes, or that something outside takes too, become the host's, in order."""
    config = as_object(source.get("config"))
    outside = {tuple(_places(entry)[:2]) for entry in as_list(source.get("external"))}
    for index, node in enumerate(nodes):
        hidden = as_object(as_object(config.get(str(index))).get("output"))
        for slot, socket in enumerate(node.outputs):
            taken = (index, slot) in used and (index, slot) not in outside
            if taken or as_object(hidden.get(str(slot))).get("visible") is False:
                continue
            _wire(graph, node.id, slot, OUTPUT_BOUNDARY, len(graph.outputs))
            graph.outputs.append(Slot(socket.name, socket.type))


def _places(entry: Any) -> list[int]:  # noqa: ANN401 - any JSON value
    """The indexes that a saved link begins with, of a node and a slot in turn."""
    places: list[int] = []
    for part in as_list(entry):
        if not isinstance(part, int) or part < 0:
            break
        places.append(part)
    return places


def _take_values(host: Node, nodes: list[Node], linked: set[tuple[int, int]], catalog: Catalog) -> None:
    """A host's values are those of all its nodes in a row, without the widgets that a link inside replaces."""
    values = iter(as_list(host.values))
    for index, node in enumerate(nodes):
        definition = catalog.get(node.type)
        if definition is None:
            continue
        replaced = {socket.widget for slot, socket in enumerate(node.inputs) if (index, slot) in linked}
        taken: list[Any] = []
        for widget in widgets_of(node, definition):
            own = None if widget.value is ABSENT else widget.value
            taken.append(own if widget.name in replaced else next(values, own))
        node.values = taken
