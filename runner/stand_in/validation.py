"""What `POST /prompt` refuses, with ComfyUI's own types, words and shapes: `validate_prompt` of execution.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codegen.catalog import COMBO, InputDefinition
from codegen.core_version import is_file_choice
from codegen.json_values import as_list, as_object, is_list, is_object
from runner.stand_in.dynamic import expanded
from runner.stand_in.links import is_link
from runner.stand_in.nodes.load import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from codegen.catalog import Catalog, NodeDefinition
    from codegen.model import JsonObject
    from runner.stand_in.files import Files

LONG_LIST = 20
"""Options; a longer list is not repeated in the error."""
_CONVERT: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_LINK = 2


@dataclass(frozen=True)
class Verdict:
    """What may be run, and what is wrong."""

    error: JsonObject | None
    """Why nothing may be."""
    outputs: tuple[str, ...] = ()
    """Output nodes that may be run."""
    node_errors: JsonObject = field(default_factory=dict[str, Any])


def validate(nodes: JsonObject, catalog: Catalog, files: Files, wanted: Collection[str] | None = None) -> Verdict:
    """Look at a whole prompt, for the sake of the `wanted` outputs or of all.

    Numbers that were sent as texts are converted in place, as the server does.
    """
    outputs: list[str] = []
    for node_id, entry in nodes.items():
        wrong = _class_error(node_id, entry, catalog)
        if wrong is not None:
            return Verdict(wrong)
        definition = catalog.get(entry["class_type"])
        if definition is not None and definition.output_node and (wanted is None or node_id in wanted):
            outputs.append(node_id)
    if not outputs:
        return Verdict(error("prompt_no_outputs", "Prompt has no outputs"))
    checker = _Checker(nodes, catalog, files)
    good = [output for output in outputs if checker.is_valid(output)]
    found = checker.node_errors(outputs)
    if good:
        return Verdict(None, tuple(good), found)
    words = [
        f"{fault['message']}: {fault['details']}" for output in outputs for fault in checker.faults.get(output, [])
    ]
    return Verdict(
        error("prompt_outputs_failed_validation", "Prompt outputs failed validation", "\n".join(words)), (), found
    )


def error(kind: str, message: str, details: str = "", **extra: Any) -> JsonObject:  # noqa: ANN401 - JSON
    """An error as the server words it."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _class_error(node_id: str, entry: Any, catalog: Catalog) -> JsonObject | None:  # noqa: ANN401 - JSON
    facts = as_object(entry)
    title = as_object(facts.get("_meta")).get("title") or f"Node ID #{node_id}"
    class_type = facts.get("class_type")
    where = f"Node ID '#{node_id}'"
    extra = {"node_id": node_id, "class_type": class_type, "node_title": title}
    if not isinstance(class_type, str):
        message = f"Node '{title}' has no class_type. The workflow may be corrupted or a custom node is missing."
        return error("missing_node_type", message, where, **extra)
    if class_type not in catalog:
        message = f"Node '{title}' not found. The custom node may not be installed."
        return error("missing_node_type", message, where, **extra)
    return None


class _Checker:
    """Checks each node once, those it needs first."""

    def __init__(self, nodes: JsonObject, catalog: Catalog, files: Files) -> None:
        self._nodes = nodes
        self._catalog = catalog
        self._files = files
        self.faults: dict[str, list[JsonObject]] = {}
        self._needed_by: dict[str, tuple[InputDefinition, list[Any]]] = {}
        """The input, and the link in it, through which a node was come to."""
        self._valid: dict[str, bool] = {}

    def is_valid(self, output: str) -> bool:
        """Whether a node and everything it needs is in order."""
        path: list[tuple[str, Iterator[str]]] = [(output, self._sources(output))]
        open_nodes = {output}
        while path:
            node, sources = path[-1]
            source = next((source for source in sources if source not in self._valid), None)
            if source is None:
                path.pop()
                open_nodes.discard(node)
                self._check(node)
            elif source in open_nodes:
                self._fail_cycle(source, [node for node, _ in path])
            else:
                open_nodes.add(source)
                path.append((source, self._sources(source)))
        return self._valid[output]

    def node_errors(self, outputs: list[str]) -> JsonObject:
        """For each faulty node: what is wrong, and which outputs cannot be run for it."""
        dependent: dict[str, list[str]] = {node: [] for node in self.faults}
        for output in outputs:
            for node in self._needed(output) & self.faults.keys():
                dependent[node].append(output)
        return {
            node: {
                "errors": faults,
                "dependent_outputs": dependent[node],
                "class_type": self._nodes[node]["class_type"],
            }
            for node, faults in self.faults.items()
        }

    def _needed(self, output: str) -> set[str]:
        seen: set[str] = set()
        stack = [output]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += list(self._sources(node))
        return seen

    def _sources(self, node: str) -> Iterator[str]:
        """Nodes that declared inputs are linked to; links into undeclared inputs are not looked at."""
        inputs = as_object(self._nodes[node].get("inputs"))
        for definition in expanded(self._definition(node), inputs):
            link = as_list(inputs.get(definition.name))
            if len(link) == _LINK and isinstance(link[0], str) and link[0] in self._nodes:
                self._needed_by.setdefault(link[0], (definition, link))
                yield link[0]

    def _check(self, node: str) -> None:
        if node in self._valid:
            return
        inputs = self._nodes[node].get("inputs")
        if not is_object(inputs):
            self._fail(node, self._exception(node, "KeyError", "'inputs'"))
            self._valid[node] = False
            return
        before = len(self.faults.get(node, []))
        sources_valid = True
        for definition in expanded(self._definition(node), inputs):
            if definition.name not in inputs:
                if definition.required:
                    short = definition.name.rpartition(".")[2]
                    fault = error("required_input_missing", "Required input is missing", short)
                    self._fail(node, fault | {"extra_info": {"input_name": definition.name}})
                continue
            value = inputs[definition.name]
            if is_list(value):
                sources_valid &= self._check_link(node, definition, value)
            else:
                self._check_value(node, definition, value)
        self._check_upload(node)
        self._valid[node] = sources_valid and len(self.faults.get(node, [])) == before

    def _check_link(self, node: str, definition: InputDefinition, value: list[Any]) -> bool:
        extra: JsonObject = {"input_name": definition.name, "input_config": _config(definition)}
        if len(value) != _LINK:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            self._fail(node, error("bad_linked_input", message, definition.name, **extra, received_value=value))
            return True
        source, slot = value
        if is_list(source) or is_object(source):
            words = f"unhashable type: '{type(source).__name__}'"
            self._fail(node, self._exception(node, "TypeError", words))
            return True
        if not isinstance(source, str) or source not in self._nodes:
            self._fail(node, self._exception(node, "KeyError", repr(source)))
            return True
        outputs = self._definition(source).outputs
        if not is_link(value) or not 0 <= slot < len(outputs):
            self._fail(node, self._exception(node, "IndexError", "tuple index out of range"))
            return True
        received = outputs[int(slot)].type
        if not fits(received, definition.type):
            details = f"{definition.name}, received_type({received}) mismatch input_type({definition.type})"
            message = "Return type mismatch between linked nodes"
            extra |= {"received_type": received, "linked_node": value}
            self._fail(node, error("return_type_mismatch", message, details, **extra))
            return True
        return self._valid[source]

    def _check_value(self, node: str, definition: InputDefinition, value: Any) -> None:  # noqa: ANN401 - JSON
        name, kind = definition.name, definition.type
        extra: JsonObject = {"input_name": name, "input_config": _config(definition)}
        if is_object(value) and "__value__" in value:
            value = value["__value__"]
        try:
            if kind in _CONVERT and (value is not None or definition.required):
                value = self._nodes[node]["inputs"][name] = _CONVERT[kind](value)
        except (TypeError, ValueError, OverflowError) as problem:
            message = f"Failed to convert an input value to a {kind} value"
            extra |= {"received_value": value, "exception_message": str(problem)}
            self._fail(node, error("invalid_input_type", message, f"{name}, {value}, {problem}", **extra))
            return
        extra["received_value"] = value
        low, high = definition.options.get("min"), definition.options.get("max")
        if low is not None and _number(value) and value < low:
            message = f"Value {value} smaller than min of {low}"
            self._fail(node, error("value_smaller_than_min", message, name, **extra))
        elif high is not None and _number(value) and value > high:
            message = f"Value {value} bigger than max of {high}"
            self._fail(node, error("value_bigger_than_max", message, name, **extra))
        elif kind == COMBO and not self._may_be(node, definition, value):
            options = list(definition.choices or ())
            listed = f"(list of length {len(options)})" if len(options) > LONG_LIST else str(options)
            if len(options) > LONG_LIST:
                extra["input_config"] = None
            self._fail(
                node, error("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {listed}", **extra)
            )

    def _may_be(self, node: str, definition: InputDefinition, value: Any) -> bool:  # noqa: ANN401 - JSON
        """A stand-in owns no models, so any name of a file will do where files are listed."""
        if value in (definition.choices or ()) or definition.options.get("multiselect"):
            return True
        upload = UPLOADS.get(self._nodes[node]["class_type"])
        if upload is not None and definition.name == upload[0]:
            return True  # looked at by `_check_upload`
        return is_file_choice(value, definition.choices or (), definition.options)

    def _check_upload(self, node: str) -> None:
        upload = UPLOADS.get(self._nodes[node]["class_type"])
        given = self._nodes[node]["inputs"].get(upload[0]) if upload else None
        if upload is None or given is None or isinstance(given, list) or self._files.given(str(given)):
            return
        details = f"{upload[0]} - {upload[1]}: {given}"
        fault = error("custom_validation_failed", "Custom validation failed for node", details, input_name=upload[0])
        self._fail(node, fault)

    def _exception(self, node: str, kind: str, words: str) -> JsonObject:
        """What the server itself stumbles over; told of the input through which it came to the node."""
        came = self._needed_by.get(node)
        if came is None:
            message = "Exception when validating node"
            return error("exception_during_validation", message, words, exception_type=kind, traceback=[])
        definition, link = came
        message = "Exception when validating inner node"
        extra = {"input_name": definition.name, "input_config": _config(definition), "exception_message": words}
        extra |= {"exception_type": kind, "traceback": [], "linked_node": link}
        return error("exception_during_inner_validation", message, words, **extra)

    def _fail_cycle(self, node: str, path: list[str]) -> None:
        members = path[path.index(node) :]
        words = " -> ".join(f"{member} ({self._nodes[member]['class_type']})" for member in [*members, node])
        for member in members:
            extra = {"node_id": member, "cycle_nodes": members}
            self._fail(member, error("dependency_cycle", "Dependency cycle detected", words, **extra))
            self._valid[member] = False

    def _definition(self, node: str) -> NodeDefinition:
        definition = self._catalog.get(self._nodes[node]["class_type"])
        assert definition is not None  # every class has been looked up before
        return definition

    def _fail(self, node: str, fault: JsonObject) -> None:
        self.faults.setdefault(node, []).append(fault)


def fits(received: str, wanted: str) -> bool:
    """Whether an output may go into an input: `comfy_execution.validation.validate_node_input`."""
    if "*" in (received, wanted) or "COMFY_MATCHTYPE_V3" in (received, wanted):
        return True
    return bool({part.strip() for part in received.split(",")} & {part.strip() for part in wanted.split(",")})


def _config(definition: InputDefinition) -> list[Any]:
    kind = list(definition.choices or ()) if definition.type == COMBO else definition.type
    return [kind, dict(definition.options)]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
