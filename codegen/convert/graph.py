"""The frontend's save format, read tolerantly into plain objects.

Two kinds of link exist (a list of six, or an object), ids are numbers or texts, and most fields may be absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast, TYPE_CHECKING

from codegen.errors import InvalidGraph

if TYPE_CHECKING:
    from codegen.model import JsonObject

NodeKey: TypeAlias = str
"""A node's id inside its own graph, as text: `1` and `"1"` are the same node to the frontend."""

MUTED = 2
BYPASSED = 4
ACTIVE_MODES = frozenset({0, 1, 3})
INPUT_BOUNDARY = "-10"
OUTPUT_BOUNDARY = "-20"

_LINK_FIELDS = 5


@dataclass(slots=True)
class Slot:
    """A socket of a node."""

    name: str
    type: str
    link: str | None = None
    widget: str | None = None
    """Name of the widget this socket replaces, if it is one."""


@dataclass(slots=True)
class Link:
    """A wire inside one graph."""

    id: str
    origin: NodeKey
    origin_slot: int
    target: NodeKey
    target_slot: int


@dataclass(slots=True)
class Node:
    """A node as saved."""

    id: NodeKey
    type: str
    mode: int
    inputs: list[Slot]
    outputs: list[Slot]
    values: Any
    properties: JsonObject
    title: str | None


@dataclass(slots=True)
class Graph:
    """The root graph, or the inside of a subgraph definition."""

    nodes: dict[NodeKey, Node]
    links: dict[str, Link]
    inputs: list[Slot] = field(default_factory=list[Slot])
    """Of a subgraph definition."""
    outputs: list[Slot] = field(default_factory=list[Slot])
    name: str = ""

    def links_from(self, origin: NodeKey, slot: int) -> list[Link]:
        """In the order of their table."""
        return [link for link in self.links.values() if link.origin == origin and link.origin_slot == slot]


@dataclass(slots=True)
class Document:
    """A whole file."""

    root: Graph
    subgraphs: dict[str, Graph]
    group_nodes: JsonObject
    last_node_id: int


def read_document(document: JsonObject) -> Document:
    """Parse a UI workflow.

    Raises:
        InvalidGraph: something that the frontend refuses to load.
    """
    root = _graph(document)
    subgraphs: dict[str, Graph] = {}
    definitions = document.get("definitions")
    listed: Any = cast("JsonObject", definitions).get("subgraphs") if isinstance(definitions, dict) else None
    for entry in _objects(listed):
        graph = _graph(entry)
        graph.name = str(entry.get("name", ""))
        graph.inputs = [_slot(slot) for slot in _objects(entry.get("inputs"))]
        graph.outputs = [_slot(slot) for slot in _objects(entry.get("outputs"))]
        subgraphs[str(entry.get("id"))] = graph
    extra = document.get("extra")
    groups: Any = cast("JsonObject", extra).get("groupNodes") if isinstance(extra, dict) else None
    last = document.get("last_node_id")
    return Document(
        root=root,
        subgraphs=subgraphs,
        group_nodes=cast("JsonObject", groups) if isinstance(groups, dict) else {},
        last_node_id=last if isinstance(last, int) else 0,
    )


def _graph(source: JsonObject) -> Graph:
    nodes: dict[NodeKey, Node] = {}
    for entry in _objects(source.get("nodes")):
        node = _node(entry)
        nodes[node.id] = node
    return Graph(nodes=nodes, links=_links(source.get("links")))


def _node(entry: JsonObject) -> Node:
    identity = entry.get("id")
    if not isinstance(identity, int | str) or isinstance(identity, bool):
        raise InvalidGraph(f"a node of type {ascii(entry.get('type'))[:60]} has no usable `id`")
    mode = entry.get("mode", 0)
    title = entry.get("title")
    properties = entry.get("properties")
    return Node(
        id=str(identity),
        type=str(entry.get("type", "")),
        mode=mode if isinstance(mode, int) else 0,
        inputs=[_slot(slot) for slot in _objects(entry.get("inputs"))],
        outputs=[_slot(slot) for slot in _objects(entry.get("outputs"))],
        values=entry.get("widgets_values"),
        properties=cast("JsonObject", properties) if isinstance(properties, dict) else {},
        title=title if isinstance(title, str) and title else None,
    )


def _slot(entry: JsonObject) -> Slot:
    kind = entry.get("type")
    link = entry.get("link")
    widget = entry.get("widget")
    named: Any = cast("JsonObject", widget).get("name") if isinstance(widget, dict) else None
    return Slot(
        name=str(entry.get("name", "")),
        type=kind if isinstance(kind, str) else ("COMBO" if isinstance(kind, list) else "*"),
        link=str(link) if isinstance(link, int | str) and not isinstance(link, bool) else None,
        widget=named if isinstance(named, str) else None,
    )


def _links(source: Any) -> dict[str, Link]:  # noqa: ANN401 - any JSON value
    links: dict[str, Link] = {}
    values: list[Any] = list(cast("JsonObject", source).values()) if isinstance(source, dict) else []
    if isinstance(source, list):
        values = cast("list[Any]", source)
    for entry in values:
        if isinstance(entry, list):
            parts = cast("list[Any]", entry)
            if len(parts) < _LINK_FIELDS:
                raise InvalidGraph(f"the link {ascii(parts)[:60]} is no list of id, origin, slot, target, slot, type")
            link = Link(str(parts[0]), str(parts[1]), _index(parts[2]), str(parts[3]), _index(parts[4]))
        elif isinstance(entry, dict):
            parts = cast("JsonObject", entry)
            link = Link(
                str(parts.get("id")),
                str(parts.get("origin_id")),
                _index(parts.get("origin_slot")),
                str(parts.get("target_id")),
                _index(parts.get("target_slot")),
            )
        else:
            raise InvalidGraph(
                f"`links` holds {ascii(entry)[:40]}, which is no link; the frontend does not load such a file"
            )
        links[link.id] = link
    return links


def _index(value: Any) -> int:  # noqa: ANN401
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 0  # noqa: PLR2004 - no node has 100,000 slots


def _objects(value: Any) -> list[JsonObject]:  # noqa: ANN401
    if not isinstance(value, list):
        return []
    return [cast("JsonObject", entry) for entry in cast("list[Any]", value) if isinstance(entry, dict)]
