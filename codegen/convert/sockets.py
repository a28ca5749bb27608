"""The sockets of a node as the frontend has them once it has loaded a file.

A class's definition says which sockets there are, in which order and of which types; the file only says what is linked.
The order and the types decide what a bypassed node passes on. Source: ComfyUI_frontend, services/litegraphService.ts
(`configure` of a node) and core/graph/widgets/dynamicWidgets.ts.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from codegen.catalog import COMBO, InputDefinition, NodeDefinition
from codegen.convert.dynamic import AUTOGROW, DYNAMIC_COMBO, growing_sockets, inputs_of_option
from codegen.convert.graph import Graph, Node, Slot
from codegen.convert.match_types import MATCH_TYPE, allowed_types, has_match_types
from codegen.convert.widgets import WIDGET_TYPES, widgets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from codegen.catalog import Catalog


def arrange_sockets(graph: Graph, catalog: Catalog) -> None:
    """Give every node of a known class its sockets in the frontend's order; links follow."""
    for node in graph.nodes.values():
        definition = catalog.get(node.type)
        if definition is None:
            continue
        saved = node.inputs
        node.inputs = _inputs(node, definition)
        node.outputs = _outputs(node, definition)
        moves = _moves(definition)
        kept = {socket.name for socket in node.inputs}
        for socket in saved:
            if socket.name not in kept and socket.link is not None:
                graph.links.pop(socket.link, None)
        for index, socket in enumerate(node.inputs):
            link = graph.links.get(socket.link) if socket.link is not None else None
            if link is not None and link.target == node.id:
                link.target_slot = index
                if moves:
                    link.loaded_slot = index
    graph.forget_order()


def _inputs(node: Node, definition: NodeDefinition) -> list[Slot]:
    saved = {socket.name: socket for socket in node.inputs}
    declared = _fixed(definition)
    if declared is None:
        values = {widget.name: widget.value for widget in widgets_of(node, definition)}
        declared = (*_bare(definition.inputs, saved), *_of_widgets(definition.inputs, saved, values))
        saved |= _without_gaps(definition, declared, saved)
    arranged: dict[str, Slot] = {}
    for slot in declared:
        known = saved.get(slot.name)
        arranged[slot.name] = Slot(slot.name, slot.type, known.link if known else None, slot.widget)
    more = [socket for socket in node.inputs if socket.name not in arranged]
    if any(socket.widget is not None for socket in more):
        # A socket that the definition does not know stays unless it stands for a widget that is not there.
        names = {None, *(widget.name for widget in widgets_of(node, definition))}
        more = [socket for socket in more if socket.widget in names]
    return [*arranged.values(), *more]


def _without_gaps(
    definition: NodeDefinition, declared: tuple[Slot, ...], saved: Mapping[str, Slot]
) -> Iterator[tuple[str, Slot]]:
    """Links of growing groups whose types match move up into open sockets: settling the types has that effect."""
    for entry in definition.inputs:
        if entry.type == AUTOGROW and has_match_types(entry):
            names = [slot.name for slot in declared if slot.name.startswith(f"{entry.name}.")]
            linked = [saved[name] for name in names if name in saved and saved[name].link is not None]
            for name, socket in zip_longest(names, linked):
                if name in saved or socket is not None:
                    yield name, socket or Slot(name, "")


@lru_cache(maxsize=4096)
def _fixed(definition: NodeDefinition) -> tuple[Slot, ...] | None:
    """The sockets of a class that always has the same ones."""
    if _moves(definition):
        return None
    return (*_bare(definition.inputs, {}), *_of_widgets(definition.inputs, {}, {}))


def _moves(definition: NodeDefinition) -> bool:
    """Whether sockets come and go."""
    return any(entry.type in {DYNAMIC_COMBO, AUTOGROW} for entry in definition.inputs)


def _bare(inputs: tuple[InputDefinition, ...], saved: Mapping[str, Slot]) -> Iterator[Slot]:
    """Sockets that stand for no widget; they come first."""
    for entry in inputs:
        if entry.type != DYNAMIC_COMBO and not _has_widget(entry):
            yield from _sockets(entry, entry.name, saved)


def _of_widgets(
    inputs: tuple[InputDefinition, ...], saved: Mapping[str, Slot], values: Mapping[str, Any]
) -> Iterator[Slot]:
    """Sockets that stand for widgets, and those of the options that are selected."""
    for entry in inputs:
        if entry.type == DYNAMIC_COMBO:
            yield from _of_combo(entry, entry.name, saved, values)
        elif _has_widget(entry) and not entry.options.get("socketless"):
            yield Slot(entry.name, entry.type, widget=entry.name)


def _of_combo(
    entry: InputDefinition, name: str, saved: Mapping[str, Slot], values: Mapping[str, Any]
) -> Iterator[Slot]:
    yield Slot(name, entry.type, widget=name)
    for inner in inputs_of_option(entry, values.get(name)):
        path = f"{name}.{inner.name}"
        if inner.type == DYNAMIC_COMBO:
            yield from _of_combo(inner, path, saved, values)
        elif _has_widget(inner):
            yield Slot(path, inner.type, widget=path)
        else:
            yield from _sockets(inner, path, saved)


def _sockets(entry: InputDefinition, name: str, saved: Mapping[str, Slot]) -> Iterator[Slot]:
    if entry.type == AUTOGROW:
        for grown, template in growing_sockets(entry, name, saved):
            widget = grown if _has_widget(template) else None
            yield Slot(grown, allowed_types(template) if template.type == MATCH_TYPE else template.type, widget=widget)
    elif entry.type == MATCH_TYPE:
        yield Slot(name, allowed_types(entry))
    else:
        yield Slot(name, entry.type)


def _has_widget(entry: InputDefinition) -> bool:
    kind = str(entry.options.get("widgetType") or entry.type)
    return (kind == COMBO or kind in WIDGET_TYPES) and not entry.options.get("forceInput")


def _outputs(node: Node, definition: NodeDefinition) -> list[Slot]:
    """Those of the definition, and what else the file has."""
    outputs = [Slot(output.name, "*" if output.type == MATCH_TYPE else output.type) for output in definition.outputs]
    return [*outputs, *node.outputs[len(outputs) :]]
