"""The inputs that a node has in a prompt: declared ones, those of selected options, and members of growing groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.catalog import InputDefinition, input_definitions
from codegen.convert.dynamic import AUTOGROW, DYNAMIC_COMBO, MAX_GROWN, inputs_of_option
from codegen.json_values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from codegen.catalog import NodeDefinition

MAX_DEPTH = 8
"""Of options in options; the deepest that ships has three."""


def expanded(definition: NodeDefinition, inputs: Mapping[str, object]) -> tuple[InputDefinition, ...]:
    """What `inputs` may and must hold; members are named `group.member`."""
    return tuple(_expanded(definition.inputs, "", inputs, MAX_DEPTH))


def _expanded(
    declared: Iterable[InputDefinition], prefix: str, inputs: Mapping[str, object], depth: int
) -> Iterator[InputDefinition]:
    for definition in declared:
        name = prefix + definition.name
        if definition.type == DYNAMIC_COMBO:
            yield definition.model_copy(update={"name": name, "type": "*", "required": False})
            if depth:
                yield from _expanded(inputs_of_option(definition, inputs.get(name)), f"{name}.", inputs, depth - 1)
        elif definition.type == AUTOGROW:
            yield from _members(definition, name)
        else:
            yield definition.model_copy(update={"name": name}) if prefix else definition


def _members(group: InputDefinition, name: str) -> Iterator[InputDefinition]:
    template = as_object(group.options.get("template"))
    inner = next(iter(input_definitions(template.get("input"))), None)
    if inner is None:
        return
    most, least = template.get("max"), template.get("min")
    names = [str(member) for member in as_list(template.get("names"))]
    if not names:
        count = min(most, MAX_GROWN) if isinstance(most, int) else MAX_GROWN
        names = [f"{template.get('prefix', '')}{number}" for number in range(count)]
    needed = least if isinstance(least, int) else 0
    for index, member in enumerate(names):
        required = inner.required and index < needed
        yield inner.model_copy(update={"name": f"{name}.{member}", "required": required})
