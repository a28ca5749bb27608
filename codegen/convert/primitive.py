"""`PrimitiveNode`, a node of the frontend alone: it writes its value into the widgets it is wired to, then vanishes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from codegen.convert.graph import OUTPUT_BOUNDARY
from codegen.json_values import as_list

if TYPE_CHECKING:
    from codegen.convert.expand import Instance
    from codegen.convert.instance_widgets import InstanceWidgets
    from codegen.convert.widgets import Widget

PRIMITIVE = "PrimitiveNode"


def apply_primitives(instances: list[Instance], widgets: InstanceWidgets) -> None:
    """Write every primitive's value into its targets; also when it is muted or bypassed, as the frontend does."""
    for instance in instances:
        if instance.node.type != PRIMITIVE:
            continue
        listed = as_list(instance.node.values)
        value = instance.overrides.get("value", listed[0] if listed else None)
        if not listed and "value" not in instance.overrides:
            continue
        for link in instance.graph.links_from(instance.node.id, 0):
            if link.target == OUTPUT_BOUNDARY:
                continue
            target = instance.siblings.get(link.target)
            if target is None or link.target_slot >= len(target.node.inputs):
                continue
            name = target.node.inputs[link.target_slot].widget
            widget = widgets.find(target, name) if name else None
            if name and widget is not None:
                widgets.override(target, name, _fitted(value, widget))


def _fitted(value: Any, widget: Widget) -> Any:  # noqa: ANN401 - any JSON value
    """Clamped and rounded as the target's widget does."""
    definition = widget.definition
    if (
        definition is None
        or isinstance(value, bool)
        or not isinstance(value, int | float)
        or widget.type not in {"INT", "FLOAT"}
    ):
        return value
    low, high = definition.options.get("min"), definition.options.get("max")
    if isinstance(low, int | float):
        value = max(value, low)
    if isinstance(high, int | float):
        value = min(value, high)
    if widget.type == "FLOAT":
        rounding = definition.options.get("round")
        step = rounding if isinstance(rounding, int | float) and rounding else None
        if step and not isinstance(rounding, bool):
            digits = max(0, -math.floor(math.log10(step)))
            value = round(round(value / step) * step, digits)
    return value
