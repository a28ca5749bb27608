"""The frontend's save format, read tolerantly into plain objects.

Two kinds of link exist (a list of six, or an object), ids are numbers or texts, and most fields may be absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from codegen.errors import InvalidGraph
from codegen.json_values import as_list, as_object, is_list, is_object, objects

if TYPE_CHECKING:
    from codegen.model import JsonObject

NodeKey: TypeAlias = str
"""A node's id inside its own graph, as text: `1` and `"1"` are the same node to the frontend."""

ACTIVE = 0
MUTED = 2
BYPASSED = 4
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
    links: list[str] = field(default_factory=list[str])
    """Of an output, in the order in which they were made."""


@dataclass(slots=True)
class Link:
    """A wire inside one graph."""

    id: str
    origin: NodeKey
    origin_slot: int
    target: NodeKey
    target_slot: int
    loaded_slot: int = 0
    """Where the frontend looks for its end while it loads: the slot in the file, though the sockets may stand in
    another order by then."""

    def __post_init__(self) -> None:
        self.loaded_slot = self.target_slot


@dataclass(slots=True)
class Node:
    """A node as saved."""

    id: NodeKey
    type: str
    mode: int
    inputs: list[Slot]
    outputs: list[Slot]
    values: Any
    named_values: JsonObject
    """The same by name, in files of newer frontends, which themselves do not read it."""
    properties: JsonObject
    title: str | None

    @property
    def active(self) -> bool:
        """Whether it is neither muted nor bypassed: the frontend knows more modes, and queues them all alike."""
        return self.mode not in {MUTED, BYPASSED}


@dataclass(slots=True)
class Graph:
    """The root graph, or the inside of a subgraph definition."""

    nodes: dict[NodeKey, Node]
    links: dict[str, Link]
    inputs: list[Slot] = field(default_factory=list[Slot])
    """Of a subgraph definition."""
    outputs: list[Slot] = field(default_factory=list[Slot])
    name: str = ""
    _leaving: dict[tuple[NodeKey, int], list[Link]] | None = None
    _arriving: dict[tuple[NodeKey, int], list[Link]] | None = None

    def links_from(self, origin: NodeKey, slot: int) -> list[Link]:
        """In the order of their table."""
        if self._leaving is None:
            self._leaving = {}
            for link in self.links.values():
                self._leaving.setdefault((link.origin, link.origin_slot), []).append(link)
        return self._leaving.get((origin, slot), [])

    def links_into(self, target: NodeKey, slot: int) -> list[Link]:
        """In the order of their table."""
        if self._arriving is None:
            self._arriving = {}
            for link in self.links.values():
                self._arriving.setdefault((link.target, link.target_slot), []).append(link)
        return self._arriving.get((target, slot), [])

    def rename(self, changes: dict[NodeKey, NodeKey]) -> None:
        """Give nodes other ids; links follow."""
        for key, node in self.nodes.items():
            node.id = changes.get(key, key)
        self.nodes = {node.id: node for node in self.nodes.values()}
        for link in self.links.values():
            link.origin = changes.get(link.origin, link.origin)
            link.target = changes.get(link.target, link.target)
        self.forget_order()

    def cut(self, links: list[Link]) -> None:
        """Take links out."""
        gone = {link.id for link in links}
        for link in links:
            self.links.pop(link.id, None)
            for known, end in (
                (self._leaving, (link.origin, link.origin_slot)),
                (self._arriving, (link.target, link.target_slot)),
            ):
                if known is not None and any(left.id in gone for left in known.get(end, [])):
                    known[end] = [left for left in known[end] if left.id not in gone]

    def forget_order(self) -> None:
        """Links have been changed: look at their ends again."""
        self._leaving = self._arriving = None


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
    for entry in objects(as_object(document.get("definitions")).get("subgraphs")):
        graph = _graph(entry)
        graph.name = str(entry.get("name", ""))
        graph.inputs = [_slot(slot) for slot in objects(entry.get("inputs"))]
        graph.outputs = [_slot(slot) for slot in objects(entry.get("outputs"))]
        subgraphs[str(entry.get("id"))] = graph
    last = document.get("last_node_id")
    return Document(
        root=root,
        subgraphs=subgraphs,
        group_nodes=as_object(as_object(document.get("extra")).get("groupNodes")),
        last_node_id=last if isinstance(last, int) else 0,
    )


def _graph(source: JsonObject) -> Graph:
    nodes: dict[NodeKey, Node] = {}
    for entry in objects(source.get("nodes")):
        node = read_node(entry)
        nodes[node.id] = node
    return Graph(nodes=nodes, links=_links(source.get("links")))


def read_node(entry: JsonObject) -> Node:
    """One node as saved."""
    identity = entry.get("id")
    if not isinstance(identity, int | str) or isinstance(identity, bool):
        raise InvalidGraph(f"a node of type {ascii(entry.get('type'))[:60]} has no usable `id`")
    mode = entry.get("mode", 0)
    title = entry.get("title")
    return Node(
        id=str(identity),
        type=str(entry.get("type", "")),
        mode=mode if isinstance(mode, int) else 0,
        inputs=[_slot(slot) for slot in objects(entry.get("inputs"))],
        outputs=[_slot(slot) for slot in objects(entry.get("outputs"))],
        values=entry.get("widgets_values"),
        named_values=as_object(entry.get("widgets_values_named")),
        properties=as_object(entry.get("properties")),
        title=title if isinstance(title, str) and title else None,
    )


def _slot(entry: JsonObject) -> Slot:
    kind = entry.get("type")
    link = entry.get("link")
    named = as_object(entry.get("widget")).get("name")
    return Slot(
        name=str(entry.get("name", "")),
        type=kind if isinstance(kind, str) else ("COMBO" if isinstance(kind, list) else "*"),
        link=str(link) if isinstance(link, int | str) and not isinstance(link, bool) else None,
        widget=named if isinstance(named, str) else None,
        links=[str(link) for link in as_list(entry.get("links"))],
    )


def _links(source: Any) -> dict[str, Link]:  # noqa: ANN401 - any JSON value
    links: dict[str, Link] = {}
    for entry in list(source.values()) if is_object(source) else as_list(source):
        if is_list(entry):
            if len(entry) < _LINK_FIELDS:
                raise InvalidGraph(f"the link {ascii(entry)[:60]} is no list of id, origin, slot, target, slot, type")
            link = Link(str(entry[0]), str(entry[1]), _index(entry[2]), str(entry[3]), _index(entry[4]))
        elif is_object(entry):
            link = Link(
                str(entry.get("id")),
                str(entry.get("origin_id")),
                _index(entry.get("origin_slot")),
                str(entry.get("target_id")),
                _index(entry.get("target_slot")),
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
