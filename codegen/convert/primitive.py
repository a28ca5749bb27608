"""`PrimitiveNode`, a node of the frontend alone: it writes its value into the widgets it is wired to, then vanishes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from codegen.catalog import COMBO
from codegen.convert.graph import OUTPUT_BOUNDARY
from codegen.convert.numbers import bounds, fitted, number, shared_options
from codegen.convert.text import replace_references
from codegen.convert.virtual import PRIMITIVE
from codegen.convert.widgets import ABSENT, first_choice
from codegen.json_values import as_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codegen.convert.expand import Instance
    from codegen.convert.instance_widgets import InstanceWidgets
    from codegen.convert.widgets import Widget
    from codegen.model import JsonObject

REPLACES = "Run widget replace on values"
"""Name of the property, as the frontend spells it."""


def apply_primitives(
    instances: list[Instance], widgets: InstanceWidgets, lookup: Callable[[str, str], str | None]
) -> None:
    """Write every primitive's value into its targets; also when it is muted or bypassed, as the frontend does.

    `lookup(node, widget)` serves references such as `%Node.widget%`, which a primitive can be set to replace.
    """
    promoted = _promoted(instances)
    for instance in instances:
        if instance.node.type != PRIMITIVE:
            continue
        if (id(instance.graph), instance.node.id) in promoted and _become_input(instance, widgets):
            continue
        targets = list(_targets(instance, widgets))
        if not targets or targets[0][1].is_dynamic_combo:
            continue
        value = _own(_value(instance, targets[0][1]), [widget for _, widget in targets])
        if value is ABSENT:
            continue
        if isinstance(value, str) and instance.node.properties.get(REPLACES):
            value, _ = replace_references(value, lookup)
        for target, widget in targets:
            widgets.override(target, widget.name, _fitted(value, widget), raw=False)


def _promoted(instances: list[Instance]) -> set[tuple[int, str]]:
    """Primitives inside subgraphs that a host shows on its outside, by identity of their graph and id."""
    return {
        (id(host.definition), str(entry[0]))
        for host in instances
        if host.definition is not None
        for entry in map(as_list, as_list(host.node.properties.get("proxyWidgets")))
        if entry
    }


def _become_input(primitive: Instance, widgets: InstanceWidgets) -> bool:
    """Replace a promoted primitive by an input of its subgraph, as the frontend does while it loads a file.

    It finds the targets by the slots in the file. The value is the host's, or else that of the first target, and goes
    to all of them as it is. Nothing happens where the targets are of several types.
    """
    targets = list(_targets(primitive, widgets, loading=True))
    if not targets or any(widget.type != targets[0][1].type for _, widget in targets):
        return False
    value = primitive.overrides.get("value", targets[0][1].value)
    if value is not ABSENT:
        for target, widget in targets:
            widgets.override(target, widget.name, value, raw=True)
    return True


def _targets(
    primitive: Instance, widgets: InstanceWidgets, *, loading: bool = False
) -> Iterator[tuple[Instance, Widget]]:
    """The widgets it is wired to."""
    listed = primitive.node.outputs[0].links if primitive.node.outputs else []
    order = {link: place for place, link in enumerate(listed)}
    links = primitive.graph.links_from(primitive.node.id, 0)
    for link in sorted(links, key=lambda link: order.get(link.id, len(order))):
        target = primitive.siblings.get(link.target) if link.target != OUTPUT_BOUNDARY else None
        slot = link.loaded_slot if loading else link.target_slot
        if target is None or slot >= len(target.node.inputs):
            continue
        name = target.node.inputs[slot].widget
        widget = widgets.find(target, name) if name else None
        if widget is not None:
            yield target, widget


def _value(primitive: Instance, first: Widget) -> Any:  # noqa: ANN401 - any JSON value
    """What it is set to; without that, what its first target has."""
    if "value" in primitive.overrides:
        return primitive.overrides["value"]
    listed = as_list(primitive.node.values)
    return listed[0] if listed else first.value


NUMBERS = frozenset({"INT", "FLOAT"})


def _own(value: Any, widgets: list[Widget]) -> Any:  # noqa: ANN401
    """The value as its own widget holds it, which is made after its first target and those that fit in with that."""
    kind = widgets[0].type
    if kind not in NUMBERS:
        return value
    shared: JsonObject = widgets[0].options
    held = number(value)
    for widget in widgets:
        both = shared_options(shared, widget.options) if widget.type == kind else None
        if both is not None and not math.isnan(held):
            shared = both
            low, high = bounds(shared)
            held = fitted(min(max(held, low), high), kind, shared)
    return held


def _fitted(value: Any, widget: Widget) -> Any:  # noqa: ANN401
    if widget.definition is None:
        return value
    if widget.type in NUMBERS:
        return fitted(number(value), widget.type, widget.options)
    if value is None and widget.type == COMBO:
        return first_choice(widget.definition)
    return "" if value is None and widget.options.get("multiline") else value
