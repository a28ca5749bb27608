"""Links of a prompt: `[node id, slot]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from codegen.json_values import as_object, is_list

if TYPE_CHECKING:
    from codegen.model import JsonObject

SWITCH = "ComfySwitchNode"


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Whether a value of a prompt is a link: `comfy_execution.graph_utils.is_link`."""
    if not is_list(value) or len(value) != 2:  # noqa: PLR2004 - [node id, slot]
        return False
    node, slot = value
    return isinstance(node, str) and isinstance(slot, int | float) and not isinstance(slot, bool)


def needed_inputs(entry: JsonObject) -> list[Any]:
    """The inputs that an execution looks at: a switch whose position is known never asks for the other side."""
    inputs = as_object(entry.get("inputs"))
    position = inputs.get("switch")
    both = "on_true" in inputs and "on_false" in inputs
    unused = ("on_false" if position else "on_true") if isinstance(position, bool) and both else None
    return [value for name, value in inputs.items() if entry.get("class_type") != SWITCH or name != unused]
