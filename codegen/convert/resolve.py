"""Where an input's value comes from: links followed through reroutes, bypassed nodes and the walls of subgraphs.

The rules are those of the frontend (ComfyUI_frontend, src/lib/litegraph/src/subgraph/ExecutableNodeDTO.ts): what it
answers here is what the server gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from codegen.convert.expand import Instance
from codegen.convert.graph import BYPASSED, INPUT_BOUNDARY, MUTED, OUTPUT_BOUNDARY, Slot
from codegen.convert.types import ANY_TYPES, compatible
from codegen.convert.virtual import GETTERS
from codegen.convert.wireless import Wireless
from codegen.errors import InvalidGraph

MAX_HOPS = 10_000
"""Along one chain of virtual and bypassed nodes; each (node, slot) is visited once, so only huge graphs get near."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The value comes from an output of a node."""

    origin: str
    slot: int


@dataclass(frozen=True, slots=True)
class Constant:
    """The value is that of a promoted widget."""

    value: Any


Source: TypeAlias = Wire | Constant | None
PromotedValue: TypeAlias = Callable[[Instance, int], Constant | None]
"""The value of the widget behind a host's input slot, if there is one."""


class Resolver:
    """Follows links of one unfolded workflow."""

    def __init__(self, promoted: PromotedValue) -> None:
        self._promoted = promoted
        self.wireless = Wireless()

    def input(self, instance: Instance, slot: int) -> Source:
        """What feeds an input.

        Raises:
            InvalidGraph: a link that is not in the table, or a circle of nodes that only pass on.
        """
        visited: set[tuple[str, str, int]] = set()
        kind: str | None = None
        while True:
            if ("in", instance.id, slot) in visited or len(visited) > MAX_HOPS:
                raise InvalidGraph(f"the links behind input {slot} of node {instance.id} run in a circle")
            visited.add(("in", instance.id, slot))
            if not 0 <= slot < len(instance.node.inputs):
                return None
            socket = instance.node.inputs[slot]
            if socket.link is None:
                return None
            link = instance.graph.links.get(socket.link)
            if link is None:
                raise InvalidGraph(
                    f"input {ascii(socket.name)[:60]} of node {instance.id} names the link {ascii(socket.link)[:20]}, "
                    "which is not in the file"
                )
            if instance.host is not None and link.origin == INPUT_BOUNDARY:
                host = instance.host
                outer = host_input(host, link.origin_slot)
                if outer is None or host.node.inputs[outer].link is None:
                    return self._promoted(host, link.origin_slot)
                instance, slot, kind = host, outer, None
                continue
            origin = instance.siblings.get(link.origin)
            if origin is None:
                raise InvalidGraph(
                    f"input {ascii(socket.name)[:60]} of node {instance.id} is linked to the node "
                    f"{ascii(link.origin)[:20]}, which is not in the file"
                )
            step = self._output(origin, link.origin_slot, kind or socket.type, visited)
            if step is None or isinstance(step, Wire):
                return step
            instance, slot, kind = step

    def _output(
        self, instance: Instance, slot: int, kind: str, visited: set[tuple[str, str, int]]
    ) -> Wire | tuple[Instance, int, str | None] | None:
        """The node behind an output, or the input to go on with (and the type wanted there)."""
        while True:
            if ("out", instance.id, slot) in visited:
                raise InvalidGraph(f"the links behind output {slot} of node {instance.id} run in a circle")
            visited.add(("out", instance.id, slot))
            if instance.node.mode == MUTED:
                return None
            if instance.node.mode == BYPASSED:
                index = _bypass_slot(instance, slot, kind)
                return None if index is None else (instance, index, None)
            if instance.definition is not None:
                inner = _inner_output(instance, slot)
                if inner is None:
                    return None
                instance, slot = inner
                continue
            if not instance.virtual:
                return Wire(instance.id, slot)
            if instance.node.type in GETTERS:
                setter = self.wireless.setter(instance)
                return None if setter is None else (setter, 0, kind)
            return (instance, slot, kind) if slot < len(instance.node.inputs) else None


def host_input(host: Instance, index: int) -> int | None:
    """Position among the host's saved sockets of input `index` of its definition."""
    definition = host.definition
    assert definition is not None
    if not 0 <= index < len(definition.inputs):
        raise InvalidGraph(f"node {host.id} has no subgraph input {index}")
    name = definition.inputs[index].name
    saved = host.node.inputs
    if index < len(saved) and saved[index].name == name:
        return index
    return next((position for position, socket in enumerate(saved) if socket.name == name), None)


def _inner_output(host: Instance, slot: int) -> tuple[Instance, int] | None:
    definition = host.definition
    assert definition is not None
    for link in definition.links_into(OUTPUT_BOUNDARY, slot):
        inner = host.children.get(link.origin)
        if inner is None:
            raise InvalidGraph(
                f"output {slot} of node {host.id} is linked to a node inside, {ascii(link.origin)[:20]}, "
                "which is not in the file"
            )
        return inner, link.origin_slot
    return None


def _bypass_slot(instance: Instance, slot: int, kind: str) -> int | None:
    """The input that a bypassed node passes on for an output, towards a socket of type `kind`."""
    inputs = instance.node.inputs
    outputs = instance.node.outputs
    if not 0 <= slot < len(outputs):
        return None
    if kind in ANY_TYPES:
        return slot if len(inputs) > slot else 0 if inputs else None
    produced = outputs[slot].type

    def fits(socket: Slot) -> bool:
        return compatible(socket.type, produced) and compatible(socket.type, kind)

    if slot < len(inputs) and fits(inputs[slot]):
        return slot
    exact = next((index for index, socket in enumerate(inputs) if socket.type == kind), None)
    if exact is not None:
        return exact
    return next((index for index, socket in enumerate(inputs) if fits(socket)), None)
