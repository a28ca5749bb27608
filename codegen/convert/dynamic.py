"""Inputs that come and go: those of a dynamic combo's options, and groups that grow.

A dynamic combo (`COMFY_DYNAMICCOMBO_V3`) has the inputs of the option that is selected, named `combo.input`. A growing
group (`COMFY_AUTOGROW_V3`) has inputs `group.name0`, `group.name1`, … made from one template. Both nest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegen.catalog import InputDefinition, input_definitions
from codegen.json_values import as_list, as_object, objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
GROWING_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})
"""Templates of these types grow widgets, not mere sockets."""
MAX_GROWN = 100
"""Inputs of one group, as in the server's own limit (comfy_api, `Autogrow`)."""


def first_key(entry: InputDefinition) -> Any:  # noqa: ANN401 - any JSON value
    """The option that a new node has selected."""
    options = objects(entry.options.get("options"))
    return options[0].get("key") if options else None


def inputs_of_option(entry: InputDefinition, key: object) -> tuple[InputDefinition, ...]:
    """What the option `key` of a dynamic combo brings; nothing if there is no such option."""
    for option in objects(entry.options.get("options")):
        if option.get("key") == key:
            return tuple(input_definitions(option.get("inputs")))
    return ()


def find_input(inputs: Iterable[InputDefinition], name: str, values: Mapping[str, Any]) -> InputDefinition | None:
    """The definition behind a name such as `model.seed`, given which options `values` select.

    A member of a growing group is answered with the group.
    """
    first, _, rest = name.partition(".")
    path = first
    entry = next((entry for entry in inputs if entry.name == first), None)
    while rest and entry is not None and entry.type == DYNAMIC_COMBO:
        offered = inputs_of_option(entry, values.get(path))
        first, _, rest = rest.partition(".")
        path = f"{path}.{first}"
        entry = next((inner for inner in offered if inner.name == first), None)
    if rest and entry is not None and entry.type != AUTOGROW:
        return None
    return entry


def is_dynamic(inputs: Iterable[InputDefinition], name: str) -> bool:
    """Whether a name such as `model.seed` is one of a dynamic combo."""
    first, dot, _ = name.partition(".")
    return bool(dot) and any(entry.name == first and entry.type == DYNAMIC_COMBO for entry in inputs)


@dataclass(frozen=True, slots=True)
class GrowingWidgets:
    """The widgets that a group can have."""

    first: tuple[InputDefinition, ...]
    """There from the beginning: the minimum, and one to grow by."""
    later: tuple[InputDefinition, ...]


def growing_widgets(entry: InputDefinition) -> GrowingWidgets | None:
    """The widgets of a growing group; `None` for groups of sockets, and what is no group."""
    if entry.type != AUTOGROW:
        return None
    template = as_object(entry.options.get("template"))
    inner = next(input_definitions(template.get("input")), None)
    if inner is None or inner.type not in GROWING_TYPES or inner.options.get("forceInput"):
        return None
    names = [str(name) for name in as_list(template.get("names"))]
    if not names:
        names = [f"{template.get('prefix', '')}{number}" for number in range(_limit(template.get("max")))]
    grown = tuple(inner.model_copy(update={"name": f"{entry.name}.{name}"}) for name in names[:MAX_GROWN])
    begin = _limit(template.get("min"), 0) + 1
    return GrowingWidgets(first=grown[:begin], later=grown[begin:])


def growing_sockets(entry: InputDefinition, name: str, saved: Collection[str]) -> Iterator[tuple[str, InputDefinition]]:
    """The sockets of a growing group, each with its template: the first ones, and those `saved` that come later."""
    template = as_object(entry.options.get("template"))
    inner = list(input_definitions(template.get("input")))
    names = [str(given) for given in as_list(template.get("names"))]
    count = min(len(names), MAX_GROWN) if names else _limit(template.get("max"))
    begin = _limit(template.get("min"), 1) + 1
    for number in range(count):
        for each in inner:
            prefix = template.get("prefix", "") if len(inner) == 1 else each.name
            grown = f"{name}.{names[number] if names else f'{prefix}{number}'}"
            if number < begin or grown in saved:
                yield grown, each


def _limit(value: object, otherwise: int = MAX_GROWN) -> int:
    return min(max(value, 0), MAX_GROWN) if isinstance(value, int) else otherwise
