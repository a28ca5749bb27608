"""Links of a prompt: `[node id, slot]`."""

from __future__ import annotations

from typing import Any, TypeGuard

from codegen.json_values import is_list


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Whether a value of a prompt is a link: `comfy_execution.graph_utils.is_link`."""
    if not is_list(value) or len(value) != 2:  # noqa: PLR2004 - [node id, slot]
        return False
    node, slot = value
    return isinstance(node, str) and isinstance(slot, int | float) and not isinstance(slot, bool)
