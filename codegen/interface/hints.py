"""What the file itself says people should see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from codegen.convert.expand import Instance, expand, renumber
from codegen.convert.graph import ACTIVE_MODES, INPUT_BOUNDARY, read_document
from codegen.model import Frozen, JsonObject, Workflow

MAX_NAME = 40
"""Characters of an input's name: it is typed by people, and a column in tables."""
_PAIR = 2


class Hint(Frozen):
    """A place, under a name that a person chose or saw."""

    name: str
    targets: tuple[tuple[str, str], ...]


def hints(workflow: Workflow) -> list[Hint]:
    """App mode first, then widgets promoted by subgraphs at the root; nothing for API prompts."""
    if workflow.kind != "ui":
        return []
    document = read_document(workflow.document)
    renumber(document)
    roots = {instance.id: instance for instance in expand(document) if instance.host is None}
    found = list(_app_mode(workflow.document, roots))
    for instance in roots.values():
        if instance.definition is not None and instance.node.mode in ACTIVE_MODES:
            found += list(_promoted(instance))
    return found


def _app_mode(document: JsonObject, roots: dict[str, Instance]) -> Iterator[Hint]:
    extra = document.get("extra")
    linear: Any = cast("JsonObject", extra).get("linearData") if isinstance(extra, dict) else None
    listed: Any = cast("JsonObject", linear).get("inputs") if isinstance(linear, dict) else None
    for entry in cast("list[Any]", listed) if isinstance(listed, list) else []:
        if not isinstance(entry, list) or len(cast("list[Any]", entry)) < _PAIR:
            continue
        node_id, widget = (str(part) for part in cast("list[Any]", entry)[:_PAIR])
        instance = roots.get(node_id)
        if instance is None:
            continue
        if instance.definition is None:
            yield Hint(name=_name(instance, widget), targets=((node_id, widget),))
        else:
            yield from (hint for hint in _promoted(instance) if hint.name == widget)


def _name(instance: Instance, widget: str) -> str:
    title = instance.node.title
    generic = widget in {"value", "text", "image", "choice"}
    return title if generic and title and title != instance.node.type and len(title) <= MAX_NAME else widget


def _promoted(host: Instance) -> Iterator[Hint]:
    definition = host.definition
    assert definition is not None
    linked = {socket.name for socket in host.node.inputs if socket.link is not None}
    for index, socket in enumerate(definition.inputs):
        if socket.name in linked:
            continue
        targets = tuple(_landing(host, index))
        if targets:
            yield Hint(name=socket.name, targets=targets)
    entries: Any = host.node.properties.get("proxyWidgets")
    for entry in cast("list[Any]", entries) if isinstance(entries, list) else []:
        parts = cast("list[Any]", entry) if isinstance(entry, list) else []
        if len(parts) >= _PAIR and str(parts[0]) in host.children and not str(parts[1]).startswith("$$"):
            inner = host.children[str(parts[0])]
            if inner.definition is None:
                yield Hint(name=str(parts[1]), targets=((inner.id, str(parts[1])),))


def _landing(host: Instance, index: int) -> Iterator[tuple[str, str]]:
    definition = host.definition
    assert definition is not None
    for link in definition.links.values():
        if link.origin != INPUT_BOUNDARY or link.origin_slot != index:
            continue
        inner = host.children.get(link.target)
        if inner is None or link.target_slot >= len(inner.node.inputs):
            continue
        socket = inner.node.inputs[link.target_slot]
        if inner.definition is None:
            if socket.widget:
                yield inner.id, socket.widget
            continue
        names = [slot.name for slot in inner.definition.inputs]
        if socket.name in names:
            yield from _landing(inner, names.index(socket.name))
