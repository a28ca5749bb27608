"""The widgets of an unfolded node, with what its hosts and primitives set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.convert.widgets import ABSENT, Widget, widgets_of
from codegen.json_values import as_list, is_object

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.convert.expand import Instance
    from codegen.convert.graph import Node

CONTROL_VALUES = frozenset({"fixed", "increment", "decrement", "randomize"})
CUSTOM_COMBO = "CustomCombo"
CUSTOM_COMBO_FIXED = 2
"""Values before the options: the choice, and an index that the frontend computes anew."""


class InstanceWidgets:
    """Computes each instance's widgets once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._made: dict[str, list[Widget]] = {}

    def of(self, instance: Instance) -> list[Widget]:
        """All widgets in order; empty for hosts and nodes without any."""
        made = self._made.get(instance.id)
        if made is None:
            made = self._made[instance.id] = self._make(instance)
        return made

    def find(self, instance: Instance, name: str) -> Widget | None:
        """One widget by name."""
        return next((widget for widget in self.of(instance) if widget.name == name), None)

    def override(self, instance: Instance, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """A host or a primitive sets a widget."""
        instance.overrides[name] = value
        self._made.pop(instance.id, None)

    def _make(self, instance: Instance) -> list[Widget]:
        node = instance.node
        if instance.definition is not None or instance.virtual:
            return []
        definition = self._catalog.get(node.type)
        if definition is None:
            widgets = _from_slots(node)
        else:
            widgets = widgets_of(node, definition, instance.overrides)
            if node.type == CUSTOM_COMBO:
                widgets = _custom_combo(node, widgets, instance.overrides)
        return widgets


def _from_slots(node: Node) -> list[Widget]:
    """Without a definition: sockets that stand for widgets are saved in the widgets' order, since frontend 1.16."""
    names = [socket.widget for socket in node.inputs if socket.widget is not None]
    saved = node.values
    if is_object(saved):
        return [Widget(name, "", saved[name]) for name in names if name in saved]
    values = as_list(saved)
    widgets: list[Widget] = []
    position = 0
    for name in names:
        if position >= len(values):
            break
        widgets.append(Widget(name, "", values[position]))
        position += 1
        follower = values[position] if position < len(values) else None
        if isinstance(follower, str) and follower in CONTROL_VALUES and isinstance(widgets[-1].value, int | float):
            position += 1
    return widgets


def _custom_combo(node: Node, widgets: list[Widget], overrides: dict[str, Any]) -> list[Widget]:
    values = as_list(node.values)
    options: list[str] = []
    for value in values[CUSTOM_COMBO_FIXED:]:
        if not isinstance(value, str) or not value:
            break
        options.append(value)
    choice = overrides.get("choice", values[0] if values else ABSENT)
    first = [Widget("choice", widgets[0].type, choice, widgets[0].definition)] if widgets else []
    index = options.index(choice) if choice in options else -1
    listed = [Widget(f"option{number}", "STRING", text) for number, text in enumerate([*options, ""], 1)]
    return [*first, Widget("index", "INT", index), *listed]
