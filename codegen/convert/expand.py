"""Subgraphs unfolded: every node that would exist in the running prompt, with the path that is its id.

A definition can be used by several hosts and can hold hosts itself; `host:inner` ids follow that nesting. Inner ids
that another graph of the file uses already are renumbered on load, as the frontend does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codegen.convert.broadcast import wire_broadcasts
from codegen.convert.graph import INPUT_BOUNDARY, OUTPUT_BOUNDARY, Document, Graph, Node, read_document
from codegen.convert.group_nodes import unfold_groups
from codegen.convert.match_types import settle_match_types
from codegen.convert.sockets import arrange_sockets
from codegen.convert.virtual import VIRTUAL_TYPES
from codegen.errors import InvalidGraph
from codegen.json_values import as_list, is_list

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.model import JsonObject

MAX_NODES = 20_000
"""After unfolding. Definitions that hold each other twice double at every level; real workflows stay below 2,000."""
MAX_NESTING = 32
"""Levels of subgraphs inside subgraphs."""


@dataclass(slots=True)
class Instance:
    """One node of the unfolded workflow."""

    id: str
    """Execution id: the ids of its hosts and its own, joined by colons."""
    node: Node
    graph: Graph
    """Where it stands."""
    host: Instance | None
    definition: Graph | None = None
    """Of a subgraph host: what is inside."""
    children: dict[str, Instance] = field(default_factory=dict[str, "Instance"])
    siblings: dict[str, Instance] = field(default_factory=dict[str, "Instance"])
    """All instances of the same graph in the same host, by node id."""
    hidden: bool = False
    """Inside a host at the root that is muted or bypassed."""
    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    """Widget values that a host or a primitive sets."""
    raw: set[str] = field(default_factory=set[str])
    """Those of them that a host sets: they are sent as they are."""

    @property
    def virtual(self) -> bool:
        """Whether it exists in the frontend alone."""
        return self.node.type in VIRTUAL_TYPES

    @property
    def runs(self) -> bool:
        """Whether it becomes an entry of the prompt."""
        return self.definition is None and not self.virtual and not self.hidden and self.node.active


def open_document(source: JsonObject, catalog: Catalog) -> Document:
    """A file as the frontend has it once it is loaded: group nodes are subgraphs, and every id is unique.

    Raises:
        InvalidGraph: the frontend would not load it.
    """
    document = read_document(source)
    wire_broadcasts(document.root, source)
    unfold_groups(document, catalog)
    renumber(document)
    for graph in (*document.subgraphs.values(), document.root):
        arrange_sockets(graph, catalog)
        settle_match_types(graph, catalog)
    return document


def renumber(document: Document) -> None:
    """Give inner nodes whose id is taken the next free one, in the order of the file; links and promotions follow."""
    used = {int(key) for key in document.root.nodes if _numeric(key)}
    last = max([document.last_node_id, 0])
    renamed: dict[str, dict[str, str]] = {}
    for identity, graph in document.subgraphs.items():
        changes: dict[str, str] = {}
        for number in [int(key) for key in graph.nodes if _numeric(key)]:
            if number not in used:
                used.add(number)
                last = max(last, number)
                continue
            last += 1
            while last in used:
                last += 1
            used.add(last)
            changes[str(number)] = str(last)
        if changes:
            renamed[identity] = changes
            graph.rename(changes)
    for graph in [document.root, *document.subgraphs.values()]:
        for node in graph.nodes.values():
            if node.type in renamed:
                _patch_promotions(node, renamed[node.type])


def _numeric(key: str) -> bool:
    return key.isdecimal() and len(key) < 16  # noqa: PLR2004 - JavaScript's safe integers


def _patch_promotions(node: Node, changes: dict[str, str]) -> None:
    # The file's own lists are left alone: it is read once for each core version that is tried.
    entries = as_list(node.properties.get("proxyWidgets"))
    patched = [
        [changes.get(str(entry[0]), entry[0]), *entry[1:]] if is_list(entry) and entry else entry for entry in entries
    ]
    node.properties = {**node.properties, "proxyWidgets": patched}


def expand(document: Document) -> list[Instance]:
    """All instances, hosts before what they hold.

    Raises:
        InvalidGraph: a subgraph inside itself, or too many nodes.
    """
    unfolded: list[Instance] = []
    _expand_graph(document, document.root, host=None, within=(), hidden=False, unfolded=unfolded)
    return unfolded


def _expand_graph(
    document: Document,
    graph: Graph,
    *,
    host: Instance | None,
    within: tuple[str, ...],
    hidden: bool,
    unfolded: list[Instance],
) -> dict[str, Instance]:
    prefix = f"{host.id}:" if host else ""
    made: dict[str, Instance] = {}
    for node in graph.nodes.values():
        if len(unfolded) >= MAX_NODES:
            raise InvalidGraph(
                f"the workflow unfolds to more than {MAX_NODES:,} nodes; its subgraphs hold each other too often"
            )
        instance = Instance(prefix + node.id, node, graph, host, hidden=hidden, siblings=made)
        made[node.id] = instance
        unfolded.append(instance)
        inside = document.subgraphs.get(node.type)
        if inside is None:
            continue
        if node.type in within:
            raise InvalidGraph(
                f"the subgraph {ascii(inside.name)[:60]} contains itself; break the circle and save again"
            )
        if len(within) >= MAX_NESTING:
            raise InvalidGraph(f"subgraphs are nested more than {MAX_NESTING} levels deep")
        _check_passthrough(inside)
        instance.definition = inside
        # The frontend skips a muted or bypassed host when it collects nodes, but only at the root.
        below = hidden or (host is None and not node.active)
        instance.children = _expand_graph(
            document, inside, host=instance, within=(*within, node.type), hidden=below, unfolded=unfolded
        )
    return made


def _check_passthrough(graph: Graph) -> None:
    for index in range(len(graph.outputs)):
        if any(link.origin == INPUT_BOUNDARY for link in graph.links_into(OUTPUT_BOUNDARY, index)):
            raise InvalidGraph(
                f"in the subgraph {ascii(graph.name)[:60]} an input is wired straight to an output, "
                "which the frontend refuses; put a node (such as Reroute) between them"
            )
