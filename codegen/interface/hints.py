"""What the file itself says people should see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.convert.expand import Instance, expand, open_document
from codegen.convert.graph import INPUT_BOUNDARY
from codegen.json_values import as_list, as_object
from codegen.model import Frozen, JsonObject, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.catalog import Catalog

MAX_NAME = 40
"""Characters of an input's name: it is typed by people, and a column in tables."""
_PAIR = 2


class Hint(Frozen):
    """A place, under a name that a person chose or saw."""

    name: str
    targets: tuple[tuple[str, str], ...]
    app_mode: bool = False
    """Somebody put it on the form of the editor's app mode, and so left everything else out of it."""


def hints(workflow: Workflow, catalog: Catalog) -> list[Hint]:
    """App mode first, then widgets promoted by subgraphs at the root; nothing for API prompts."""
    if workflow.kind != "ui":
        return []
    instances = expand(open_document(workflow.document, catalog))
    roots = {instance.id: instance for instance in instances if instance.host is None}
    found = [hint.model_copy(update={"app_mode": True}) for hint in _app_mode(workflow.document, roots)]
    for instance in roots.values():
        if instance.definition is not None and instance.node.active:
            found += list(_promoted(instance))
    return found


def _app_mode(document: JsonObject, roots: dict[str, Instance]) -> Iterator[Hint]:
    linear = as_object(as_object(document.get("extra")).get("linearData"))
    for entry in as_list(linear.get("inputs")):
        parts = as_list(entry)[:_PAIR]
        if len(parts) < _PAIR:
            continue
        node_id, widget = (str(part) for part in parts)
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
    for entry in as_list(host.node.properties.get("proxyWidgets")):
        parts = as_list(entry)
        if len(parts) >= _PAIR and str(parts[0]) in host.children and not str(parts[1]).startswith("$$"):
            inner = host.children[str(parts[0])]
            if inner.definition is None:
                yield Hint(name=str(parts[1]), targets=((inner.id, str(parts[1])),))


def _landing(host: Instance, index: int) -> Iterator[tuple[str, str]]:
    definition = host.definition
    assert definition is not None
    for link in definition.links_from(INPUT_BOUNDARY, index):
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
