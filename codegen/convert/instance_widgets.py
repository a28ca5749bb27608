"""The widgets of an unfolded node, with what its hosts and primitives set."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from codegen.convert.dynamic import find_input, is_dynamic
from codegen.convert.widgets import ABSENT, Widget, widgets_of
from codegen.json_values import as_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codegen.catalog import Catalog
    from codegen.convert.expand import Instance
    from codegen.convert.graph import Node

CONTROL_VALUES = frozenset({"fixed", "increment", "decrement", "randomize"})
NOT_INPUTS = frozenset({"control_after_generate", "control_filter_list", "upload", "audioUI"})
"""Names of widgets that are no inputs, in any class."""
CUSTOM_COMBO = "CustomCombo"
CUSTOM_COMBO_FIXED = 2
"""Values before the options: the choice, and an index that the frontend computes anew."""

INDEX, OPTION = "index", "option"
"""Names of its other inputs; options are numbered from 1."""
MAX_OPTIONS = 1_000
"""Of a combo that people fill themselves."""


class InstanceWidgets:
    """Computes each instance's widgets once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._made: dict[str, list[Widget]] = {}
        self._saved: dict[int, list[Widget]] = {}
        """By identity of the node: every use of a subgraph has the same saved values."""

    def of(self, instance: Instance) -> list[Widget]:
        """All widgets in order; empty for hosts and nodes without any."""
        made = self._made.get(instance.id)
        if made is None:
            made = [
                replace(
                    widget,
                    value=instance.overrides.get(widget.name, widget.value),
                    raw=widget.name in instance.raw,
                )
                for widget in self._saved_of(instance)
            ]
            if instance.node.type == CUSTOM_COMBO:
                _set_index(made, self._saved_of(instance))
            self._made[instance.id] = made
        return made

    def find(self, instance: Instance, name: str) -> Widget | None:
        """One widget by name."""
        return next((widget for widget in self.of(instance) if widget.name == name), None)

    def override(self, instance: Instance, name: str, value: Any, *, raw: bool) -> None:  # noqa: ANN401 - any JSON value
        """A host (`raw`) or a primitive sets a widget. Which widgets there are does not change: it happens too late."""
        instance.overrides[name] = value
        if raw:
            instance.raw.add(name)
        self._made.pop(instance.id, None)

    def offers(self, instance: Instance, socket: str) -> bool:
        """Whether a socket exists: those of a dynamic combo's other options do not."""
        definition = self._catalog.get(instance.node.type)
        if definition is None or not is_dynamic(definition.inputs, socket):
            return True
        values = {widget.name: widget.value for widget in self._saved_of(instance)}
        return find_input(definition.inputs, socket, values) is not None

    def _saved_of(self, instance: Instance) -> list[Widget]:
        node = instance.node
        if instance.definition is not None or instance.virtual:
            return []
        saved = self._saved.get(id(node))
        if saved is None:
            definition = self._catalog.get(node.type)
            saved = [*_without_definition(node)] if definition is None else widgets_of(node, definition)
            if node.type == CUSTOM_COMBO:
                saved = _custom_combo(node, saved)
            self._saved[id(node)] = saved
        return saved


def unnamed_values(node: Node) -> int:
    """How many of its values a class without a definition loses, because nothing in the file says what they are for."""
    if node.named_values or is_object(node.values):
        return 0
    return max(len(as_list(node.values)) - sum(1 for _ in _by_position(node, as_list(node.values), every=True)), 0)


def _without_definition(node: Node) -> Iterable[Widget]:
    """What the file itself says: values by name, or else sockets that stand for widgets, in the widgets' order."""
    if node.named_values:
        return [Widget(name, "", value) for name, value in node.named_values.items() if name not in NOT_INPUTS]
    names = [socket.widget for socket in node.inputs if socket.widget is not None]
    saved = node.values
    if is_object(saved):
        plain = [name for name, value in saved.items() if not isinstance(value, list | dict) and name not in NOT_INPUTS]
        return [Widget(name, "", saved[name]) for name in names or plain if name in saved]
    return _by_position(node, as_list(saved))


def _by_position(node: Node, values: list[Any], *, every: bool = False) -> Iterator[Widget]:
    """Values in the order of the sockets that stand for widgets; with `every`, also those known to be no inputs."""
    position = 0
    for socket in node.inputs:
        if socket.widget is None or position >= len(values):
            continue
        widget = Widget(socket.widget, "", values[position])
        yield widget
        position += 1
        follower = values[position] if position < len(values) else None
        if isinstance(follower, str) and follower in CONTROL_VALUES and isinstance(widget.value, int | float):
            position += 1
            if every:
                yield Widget("control_after_generate", "", follower)


def _custom_combo(node: Node, widgets: list[Widget]) -> list[Widget]:
    values = as_list(node.values)
    given = values[CUSTOM_COMBO_FIXED : CUSTOM_COMBO_FIXED + MAX_OPTIONS]
    options = [*takewhile(_is_option, given)]
    options.append(given[len(options)] if len(options) < len(given) else "")
    choice = values[0] if values else ABSENT
    first = [replace(widget, value=choice) for widget in widgets[:1]]
    listed = [Widget(f"{OPTION}{number}", "STRING", text) for number, text in enumerate(options, 1)]
    return [*first, Widget(INDEX, "INT", ABSENT), *listed]


def _set_index(widgets: list[Widget], saved: list[Widget]) -> None:
    """Tell which of the options is chosen, counted from 0. What a host chooses is not looked at."""
    options = [widget.value for widget in widgets if widget.name.startswith(OPTION)]
    choice = (saved if widgets[0].raw else widgets)[0].value
    for widget in widgets:
        if widget.name == INDEX:
            widget.value = options.index(choice) if choice in options else -1


def _is_option(value: object) -> bool:
    return value not in (None, "")
