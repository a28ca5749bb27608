"""The prompt as a graph: what feeds what, and with which type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen.json_values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codegen.catalog import Catalog, NodeDefinition
    from codegen.model import JsonObject

_LINK = 2
"""`[node id, slot]`."""


@dataclass(frozen=True, slots=True)
class Wire:
    """An output of `source` that goes into the input `name` of `target`."""

    source: str
    slot: int
    target: str
    name: str


class PromptGraph:
    """Nothing of the prompt's shape is trusted: links to nowhere are no wires."""

    def __init__(self, prompt: JsonObject, catalog: Catalog) -> None:
        self.prompt = prompt
        self._catalog = catalog
        self._into: dict[str, dict[str, Wire]] = {}
        self._from: dict[str, list[Wire]] = {}
        for target in prompt:
            for name, value in self.inputs(target).items():
                link = as_list(value)
                if len(link) == _LINK and isinstance(link[0], str) and isinstance(link[1], int) and link[0] in prompt:
                    wire = Wire(link[0], link[1], target, name)
                    self._into.setdefault(target, {})[name] = wire
                    self._from.setdefault(wire.source, []).append(wire)

    def inputs(self, node: str) -> JsonObject:
        """Literals and links by name."""
        return as_object(as_object(self.prompt.get(node)).get("inputs"))

    def class_type(self, node: str) -> str:
        """Of any node; empty if it has none."""
        return str(as_object(self.prompt.get(node)).get("class_type") or "")

    def knows(self, class_type: str) -> bool:
        """Whether the core has a class of that name."""
        return class_type in self._catalog

    def definition(self, node: str) -> NodeDefinition | None:
        """Of its class, if the core has it."""
        return self._catalog.get(self.class_type(node))

    def wires_into(self, node: str) -> Mapping[str, Wire]:
        """By input."""
        return self._into.get(node, {})

    def wires_from(self, node: str) -> Iterable[Wire]:
        """In the order of the prompt."""
        return self._from.get(node, ())

    def output(self, wire: Wire) -> tuple[str, str]:
        """Type and name of what the wire carries; empty where the class is unknown."""
        definition = self.definition(wire.source)
        if definition is None or not 0 <= wire.slot < len(definition.outputs):
            return "", ""
        output = definition.outputs[wire.slot]
        return output.type, output.name

    def gives(self, node: str) -> frozenset[str]:
        """Types of the outputs of a node."""
        definition = self.definition(node)
        return frozenset(output.type for output in definition.outputs) if definition else frozenset()

    def upstream(self, starts: Iterable[str]) -> frozenset[str]:
        """The nodes themselves, and all that they depend on."""
        found: set[str] = set()
        waiting = list(starts)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += [wire.source for wire in self.wires_into(node).values()]
        return frozenset(found)
