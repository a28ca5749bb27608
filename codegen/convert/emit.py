"""The conversion as a whole: read, unfold, take values, follow links, write the prompt."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from codegen.convert.broadcast import unsaved_broadcasts
from codegen.convert.expand import Instance, expand, open_document
from codegen.convert.instance_widgets import InstanceWidgets, unnamed_values
from codegen.convert.numbers import as_javascript
from codegen.convert.primitive import apply_primitives
from codegen.convert.promotion import Promotions
from codegen.convert.resolve import Constant, Resolver, Wire
from codegen.convert.text import first_alternatives, replace_references
from codegen.convert.widgets import ABSENT, Widget
from codegen.json_values import as_object, is_list
from codegen.model import Conversion, Finding, JsonObject, Workflow

if TYPE_CHECKING:
    from codegen.catalog import Catalog

SAVERS = frozenset(
    {
        "SaveImage", "SaveImageAdvanced", "SaveSVGNode", "SaveVideo", "SaveAnimatedWEBP", "SaveWEBM", "SaveAudio",
        "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "SaveGLB", "Save3DAdvanced", "SaveGaussianSplat",
        "SavePointCloud", "SaveAnimatedPNG", "CLIPSave", "VAESave", "ModelSave", "LoraSave", "SaveLatent",
    }
)  # fmt: skip
"""Nodes in whose `filename_prefix` the frontend replaces `%Node.widget%` (extensions/core/saveImageExtraOutput.ts)."""


def convert(workflow: Workflow, catalog: Catalog) -> Conversion:
    """The API prompt of a workflow. An API prompt converts to itself.

    Raises:
        InvalidGraph: a graph that the frontend refuses to load or to queue.
    """
    if workflow.kind == "api":
        return Conversion(prompt=workflow.document)
    return _Conversion(workflow, catalog).run()


class _Conversion:
    def __init__(self, workflow: Workflow, catalog: Catalog) -> None:
        self._instances = expand(open_document(workflow.document, catalog))
        self._findings = unsaved_broadcasts(self._instances, workflow.document)
        self._catalog = catalog
        self._widgets = InstanceWidgets(catalog)
        promotions = Promotions(self._widgets)
        for instance in self._instances:
            if instance.definition is not None:
                promotions.apply(instance)
        self._resolver = Resolver(promotions.value)
        apply_primitives(self._instances, self._widgets, self._lookup)

    def run(self) -> Conversion:
        entries: dict[str, JsonObject] = {}
        for instance in self._instances:
            if instance.runs:
                entries[instance.id] = self._entry(instance)
        self._findings += self._resolver.wireless.findings
        for entry in entries.values():
            inputs = as_object(entry["inputs"])
            for name in [name for name, value in inputs.items() if is_list(value) and value[0] not in entries]:
                del inputs[name]
        ordered = sorted((key for key in entries if key.isdecimal()), key=int)
        ordered += [key for key in entries if not key.isdecimal()]
        return Conversion(prompt={key: entries[key] for key in ordered}, findings=tuple(self._findings))

    def _entry(self, instance: Instance) -> JsonObject:
        node = instance.node
        definition = self._catalog.get(node.type)
        inputs: JsonObject = {}
        for widget in self._widgets.of(instance):
            if widget.serialised:
                value = self._final(instance, widget)
                if value is not ABSENT:
                    inputs[widget.name] = _wrapped(value, widget)
        for slot, socket in enumerate(node.inputs):
            if not self._widgets.offers(instance, socket.name):
                continue
            source = self._resolver.input(instance, slot)
            if isinstance(source, Wire):
                inputs[socket.name] = [source.origin, source.slot]
            elif isinstance(source, Constant) and source.value is not ABSENT:
                inputs[socket.name] = _wrapped(as_javascript(source.value), None)
        if definition is None:
            self._findings.append(_needs_preflight(instance))
        title = node.title or (definition.display_name if definition else node.type)
        return {"inputs": inputs, "class_type": node.type, "_meta": {"title": title}}

    def _final(self, instance: Instance, widget: Widget) -> Any:  # noqa: ANN401 - any JSON value
        value = widget.value
        if widget.raw:
            return as_javascript(value)
        if isinstance(value, str) and widget.options.get("dynamicPrompts") and not widget.nested:
            value, chosen = first_alternatives(value)
            if chosen:
                self._findings.append(
                    Finding(
                        code="random-prompt",
                        severity="info",
                        message=f"{widget.name} has alternatives like {{a|b}}, and the editor draws one each time; "
                        f"the first of each is taken: {_listed(chosen)}",
                        node=instance.id,
                        hint="write the text you want, or pass it as an input",
                    )
                )
        if isinstance(value, str) and widget.name == "filename_prefix" and instance.node.type in SAVERS:
            value, dated = replace_references(value, self._lookup)
            if dated:
                self._findings.append(
                    Finding(
                        code="date-in-file-name",
                        severity="info",
                        message="a %date:…% in filename_prefix is filled in by the frontend only, and stays as it is",
                        node=instance.id,
                    )
                )
        return as_javascript(value)

    def _lookup(self, name: str, widget_name: str) -> str | None:
        instance = self._by_name.get(name)
        widget = self._widgets.find(instance, widget_name) if instance else None
        return None if widget is None or widget.value is ABSENT else str(as_javascript(widget.value))

    @cached_property
    def _by_name(self) -> dict[str, Instance]:
        """The first node of each name that texts can refer to."""
        names: dict[str, Instance] = {}
        for instance in self._instances:
            for name in (instance.node.properties.get("Node name for S&R"), instance.node.title):
                if isinstance(name, str):
                    names.setdefault(name, instance)
        return names


def _needs_preflight(instance: Instance) -> Finding:
    lost = unnamed_values(instance.node)
    more = f"; {lost} of them have no name there, and are left out" if lost else ""
    return Finding(
        code="needs-preflight",
        severity="warning",
        message=f"{ascii(instance.node.type)[:80]} is not known here: its values come from the slots in the file{more}",
        node=instance.id,
        hint="the definitions of a server that has it (--object-info) make this exact",
    )


SHOWN_CHOICES = 5
SHOWN_CHARACTERS = 40


def _listed(chosen: tuple[str, ...]) -> str:
    """The first few of many."""
    more = ", …" if len(chosen) > SHOWN_CHOICES else ""
    return ", ".join(ascii(text[:SHOWN_CHARACTERS]) for text in chosen[:SHOWN_CHOICES]) + more


def _wrapped(value: Any, widget: Widget | None) -> Any:  # noqa: ANN401
    if is_list(value):
        if widget is not None and widget.type == "CURVE":
            return {"__type__": "CURVE", "__value__": value}
        return {"__value__": value}
    return value
