"""`PrimitiveNode`, a node of the frontend alone: it writes its value into the widgets it is wired to, then vanishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.convert.expand import PRIMITIVE
from codegen.convert.graph import OUTPUT_BOUNDARY
from codegen.convert.numbers import fitted
from codegen.convert.text import replace_references
from codegen.convert.widgets import ABSENT
from codegen.json_values import as_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codegen.convert.expand import Instance
    from codegen.convert.instance_widgets import InstanceWidgets
    from codegen.convert.widgets import Widget

REPLACES = "Run widget replace on values"
"""Name of the property, as the frontend spells it."""


def apply_primitives(
    instances: list[Instance], widgets: InstanceWidgets, lookup: Callable[[str, str], str | None]
) -> None:
    """Write every primitive's value into its targets; also when it is muted or bypassed, as the frontend does.

    `lookup(node, widget)` serves references such as `%Node.widget%`, which a primitive can be set to replace.
    """
    for instance in instances:
        if instance.node.type == PRIMITIVE:
            targets = list(_targets(instance, widgets))
            value = _value(instance, targets)
            if isinstance(value, str) and instance.node.properties.get(REPLACES):
                value, _ = replace_references(value, lookup)
            if value is not ABSENT:
                for target, widget in targets:
                    widgets.override(target, widget.name, _fitted(value, widget), raw=False)


def _targets(primitive: Instance, widgets: InstanceWidgets) -> Iterator[tuple[Instance, Widget]]:
    """The widgets it is wired to."""
    for link in primitive.graph.links_from(primitive.node.id, 0):
        target = primitive.siblings.get(link.target) if link.target != OUTPUT_BOUNDARY else None
        if target is None or link.target_slot >= len(target.node.inputs):
            continue
        name = target.node.inputs[link.target_slot].widget
        widget = widgets.find(target, name) if name else None
        if widget is not None:
            yield target, widget


def _value(primitive: Instance, targets: list[tuple[Instance, Widget]]) -> Any:  # noqa: ANN401 - any JSON value
    """What it holds. Inside a subgraph its saved value is lost on load: it starts with that of its first target."""
    if "value" in primitive.overrides:
        return primitive.overrides["value"]
    if primitive.host is not None:
        return targets[0][1].value if targets else ABSENT
    listed = as_list(primitive.node.values)
    return listed[0] if listed else ABSENT


def _fitted(value: Any, widget: Widget) -> Any:  # noqa: ANN401
    if widget.definition is None or widget.type not in {"INT", "FLOAT"}:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return fitted(value, widget.type, widget.definition.options)
