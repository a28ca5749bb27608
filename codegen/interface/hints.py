"""What the file itself says people should see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.convert.expand import Instance, expand, open_document
from codegen.convert.graph import INPUT_BOUNDARY
from codegen.json_values import as_list, as_object, objects
from codegen.model import Frozen, JsonObject, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.catalog import Catalog

_PAIR = 2


class Hint(Frozen):
    """A place that a person chose to show, and what it is called there."""

    targets: tuple[tuple[str, str], ...]
    name: str
    """Of the widget, or of the subgraph's input that carries it; the editor numbers those that are equal."""
    label: str | None = None
    """What a person renamed it to."""
    app_mode: bool = False
    """Somebody put it on the form of the editor's app mode."""


class Hints(Frozen):
    """All of a file, the most deliberate first."""

    places: tuple[Hint, ...] = ()
    is_app: bool = False
    """The file opens as the form. Without that, somebody may have begun a form and gone on with the graph."""
    outputs: tuple[str, ...] = ()
    """Nodes whose results the form shows."""


LONGEST_FORM = 1000
"""Entries of a form that are looked at; people fill in tens."""


def hints(workflow: Workflow, catalog: Catalog) -> Hints:
    """App mode first, then widgets promoted by subgraphs at the root; nothing for API prompts."""
    if workflow.kind != "ui":
        return Hints()
    document = workflow.document
    labels = _labels(document)
    instances = expand(open_document(document, catalog))
    roots = {instance.id: instance for instance in instances if instance.host is None}
    extra = as_object(document.get("extra"))
    form = [
        hint.model_copy(update={"app_mode": True})
        for entry in as_list(as_object(extra.get("linearData")).get("inputs"))[:LONGEST_FORM]
        for hint in _of_form(as_list(entry), roots, labels)
    ]
    promoted = [
        hint
        for instance in roots.values()
        if instance.definition is not None and instance.node.active
        for hint in _promoted(instance, labels)
    ]
    return Hints(
        places=(*form, *promoted),
        is_app=bool(form) and extra.get("linearMode") is not False,
        outputs=tuple(str(node) for node in as_list(as_object(extra.get("linearData")).get("outputs"))),
    )


def _labels(document: JsonObject) -> dict[tuple[str, str], str]:
    """What people renamed the inputs of subgraphs to, by (definition, input)."""
    found: dict[tuple[str, str], str] = {}
    for definition in objects(as_object(document.get("definitions")).get("subgraphs")):
        for socket in objects(definition.get("inputs")):
            if isinstance(socket.get("label"), str):
                found[str(definition.get("id")), str(socket.get("name"))] = socket["label"]
    return found


def _of_form(entry: list[object], roots: dict[str, Instance], labels: dict[tuple[str, str], str]) -> Iterator[Hint]:
    """An entry is `[node, widget]`; for one inside a subgraph the node is `definition:inner node:widget`."""
    if len(entry) < _PAIR:
        return
    node, widget = str(entry[0]), str(entry[1])
    definition, _, rest = node.partition(":")
    for instance in (
        [roots[node]] if node in roots else [each for each in roots.values() if each.node.type == definition]
    ):
        if instance.definition is None:
            yield Hint(name=widget, targets=((instance.id, widget),))
            continue
        inner = instance.children.get(rest.partition(":")[0])
        for hint in _promoted(instance, labels):
            if hint.name == widget if inner is None else (inner.id, widget) in hint.targets:
                yield hint


def _promoted(host: Instance, labels: dict[tuple[str, str], str]) -> Iterator[Hint]:
    definition = host.definition
    assert definition is not None
    linked = {socket.name for socket in host.node.inputs if socket.link is not None}
    for index, socket in enumerate(definition.inputs):
        targets = () if socket.name in linked else tuple(_landing(host, index))
        if targets:
            yield Hint(name=socket.name, targets=targets, label=labels.get((host.node.type, socket.name)))
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
