"""Lists of values, as ComfyUI treats them: execution.py, `_async_map_node_over_list` and `merge_result_data`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.model import JsonObject

MAX_RUNS = 1000
"""Runs of one node over a list."""


@dataclass(frozen=True)
class Listed:
    """What an output that is a list gives: a node that takes it runs once for each."""

    items: tuple[Any, ...]


def for_each(call: Call, run: Callable[[Call], Given]) -> Given:
    """Run a node once, or once for each value of the longest list that came in; the last of a short one is repeated.

    Raises:
        NodeError: the list is longer than `MAX_RUNS`.
    """
    longest = max((len(value.items) for value in call.inputs.values() if isinstance(value, Listed)), default=None)
    if longest is None or (call.definition is not None and call.definition.raw.get("is_input_list")):
        return run(call)
    if longest > MAX_RUNS:
        raise NodeError(f"the stand-in engine runs a node over at most {MAX_RUNS} values")
    given = [run(replace(call, inputs=_at(call.inputs, index))) for index in range(longest)]
    slots = range(max((len(one.outputs) for one in given), default=0))
    outputs = tuple(Listed(_joined(one.outputs[slot] for one in given if slot < len(one.outputs))) for slot in slots)
    shown = [one.ui for one in given if one.ui is not None]
    return Given(outputs, _together(shown) if shown else None)


def single(value: Any) -> Any:  # noqa: ANN401 - anything travels along links
    """The first of a list, for nodes that look at one value only."""
    return next(iter(value.items), None) if isinstance(value, Listed) else value


def _at(inputs: dict[str, Any], index: int) -> dict[str, Any]:
    def one(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, Listed):
            return value
        return value.items[min(index, len(value.items) - 1)] if value.items else None

    return {name: one(value) for name, value in inputs.items()}


def _joined(values: Any) -> tuple[Any, ...]:  # noqa: ANN401
    found: list[Any] = []
    for value in values:
        if isinstance(value, Listed):
            found += value.items
        else:
            found.append(value)
    return tuple(found)


def _together(shown: list[JsonObject]) -> JsonObject:
    return {key: [item for one in shown for item in one.get(key, [])] for key in shown[0]}
