"""Widgets of inner nodes that a subgraph shows on its outside, and the values given there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.convert.graph import INPUT_BOUNDARY
from codegen.convert.resolve import Constant
from codegen.convert.virtual import PRIMITIVE
from codegen.convert.widgets import ABSENT
from codegen.json_values import as_list, objects

if TYPE_CHECKING:
    from codegen.convert.expand import Instance
    from codegen.convert.instance_widgets import InstanceWidgets

BY_NAME = "-1"
"""As node id of a promotion: the widget of the subgraph input of that name."""
ENTRY_PARTS = 2


class Promotions:
    """Values on hosts, carried inside."""

    def __init__(self, widgets: InstanceWidgets) -> None:
        self._widgets = widgets
        self._given: dict[tuple[str, int], Any] = {}
        """Value that host (by id) has for input (by index in its definition)."""

    def apply(self, host: Instance) -> None:
        """Take the values of one host; its own hosts come first."""
        entries = _entries(host.node.properties.get("proxyWidgets"))
        values = as_list(host.node.values)
        if entries:
            self._apply_entries(host, entries, values)
        else:
            promoted = [index for index in range(len(_inputs(host))) if self._inner(host, index) is not None]
            for index, value in zip(promoted, values, strict=False):
                self._given.setdefault((host.id, index), value)
        for name, value in _quarantined(host):
            index = _input_index(host, name)
            if index is not None:
                self._given[host.id, index] = value

    def _apply_entries(self, host: Instance, entries: list[tuple[str, str]], values: list[Any]) -> None:
        for position, (node_id, name) in enumerate(entries):
            value = values[position] if position < len(values) else ABSENT
            if node_id == BY_NAME:
                index = _input_index(host, name)
                if index is not None and value is not ABSENT:
                    self._given.setdefault((host.id, index), value)
                continue
            inner = host.children.get(node_id)
            if inner is None or value is ABSENT or value is None:
                continue
            self._set(inner, name, value)

    def _set(self, inner: Instance, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        if inner.definition is None:
            shown = _shown_as(inner, name)
            if shown is not None:
                self._given[shown] = value
                return
            widget = self._widgets.find(inner, name)
            if inner.virtual or (widget is not None and widget.serialised):
                self._widgets.override(inner, name, value, raw=True)
            return
        index = _input_index(inner, name)
        if index is not None:
            self._given[inner.id, index] = value
            return
        for node_id, inner_name in _entries(inner.node.properties.get("proxyWidgets")):
            child = inner.children.get(node_id)
            if inner_name == name and child is not None:
                self._set(child, name, value)
                return

    def value(self, host: Instance, index: int) -> Constant | None:
        """What the widget behind a host's input says, if there is a widget."""
        inner = self._inner(host, index)
        if inner is None:
            return None
        given = self._given.get((host.id, index), ABSENT)
        return inner if given is ABSENT else Constant(given)

    def _inner(self, host: Instance, index: int) -> Constant | None:
        """The widget that the input is wired to inside, with its own value."""
        definition = host.definition
        assert definition is not None
        for link in definition.links_from(INPUT_BOUNDARY, index):
            inner = host.children.get(link.target)
            if inner is None or not 0 <= link.target_slot < len(inner.node.inputs):
                continue
            socket = inner.node.inputs[link.target_slot]
            if inner.definition is not None:
                inner_index = _input_index(inner, socket.name)
                found = None if inner_index is None else self.value(inner, inner_index)
                if found is not None:
                    return found
                continue
            widget = self._widgets.find(inner, socket.widget) if socket.widget else None
            if widget is not None:
                return Constant(widget.value)
            if inner.node.type == PRIMITIVE and socket.widget:
                values = as_list(inner.node.values)
                return Constant(values[0] if values else None)
        return None


def _shown_as(inner: Instance, widget: str) -> tuple[str, int] | None:
    """The host and the input that already stand for a widget inside."""
    if inner.host is None:
        return None
    for socket in inner.node.inputs:
        link = inner.graph.links.get(socket.link) if socket.widget == widget and socket.link is not None else None
        if link is not None and link.origin == INPUT_BOUNDARY:
            return inner.host.id, link.origin_slot
    return None


def _inputs(host: Instance) -> list[str]:
    assert host.definition is not None
    return [slot.name for slot in host.definition.inputs]


def _input_index(host: Instance, name: str) -> int | None:
    names = _inputs(host)
    return names.index(name) if name in names else None


def _entries(value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    entries: list[tuple[str, str]] = []
    for entry in as_list(value):
        parts = as_list(entry)
        entries.append((str(parts[0]), str(parts[1])) if len(parts) >= ENTRY_PARTS else ("", ""))
    return entries


def _quarantined(host: Instance) -> list[tuple[str, Any]]:
    """Host values that a newer frontend set aside when it moved promotions, first of each name."""
    found: dict[str, Any] = {}
    for fields in objects(host.node.properties.get("proxyWidgetErrorQuarantine")):
        parts = as_list(fields.get("originalEntry"))
        if len(parts) >= ENTRY_PARTS and str(parts[0]) == BY_NAME and "hostValue" in fields:
            found.setdefault(str(parts[1]), fields["hostValue"])
    return list(found.items())
