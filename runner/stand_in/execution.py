"""Runs one prompt: in order of its links, with ComfyUI's cache and messages."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from codegen.json_values import as_object, is_object
from runner.stand_in.errors import Interrupted, NeedsModel, NodeError, UnsafeName
from runner.stand_in.links import is_link, needed_inputs
from runner.stand_in.lists import for_each
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes import NODES
from runner.stand_in.signature import signatures
from runner.stand_in.simulate import simulate

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from codegen.catalog import Catalog
    from codegen.model import JsonObject
    from runner.stand_in.files import Files

    Send = Callable[[str, JsonObject], None]

MAX_SHOWN = 200
"""Characters of an input that is shown in an error."""


@dataclass
class Prompt:
    """A prompt that was accepted."""

    id: str
    number: float
    nodes: JsonObject
    outputs: tuple[str, ...]
    """The output nodes that are valid, for whose sake it is run."""
    client_id: str | None = None
    extra_data: JsonObject = field(default_factory=dict[str, Any])


@dataclass
class Outcome:
    """How it ended, as history keeps it."""

    outputs: JsonObject = field(default_factory=dict[str, Any])
    messages: list[list[Any]] = field(default_factory=list[list[Any]])
    status: str = "success"


class Executor:
    """One per stand-in; keeps what the last prompt's nodes gave, as ComfyUI does."""

    def __init__(self, catalog: Catalog, files: Files, show: Callable[[str | None, bytes], None]) -> None:
        """`show(client_id, png)` sends a picture to who follows a prompt."""
        self._catalog = catalog
        self._files = files
        self._show = show
        self._cache: dict[str, Given] = {}

    def forget(self) -> None:
        """Empty the cache (`POST /free`)."""
        self._cache.clear()

    def execute(self, prompt: Prompt, send: Send, interrupted: threading.Event) -> Outcome:
        """Run it to its end, whatever that is; every message goes through `send` as it happens."""
        outcome = Outcome()

        def tell(event: str, data: JsonObject) -> None:
            message = {**data, "prompt_id": prompt.id, "timestamp": int(time.time() * 1000)}
            outcome.messages.append([event, message])
            send(event, message)

        tell("execution_start", {})
        order = in_order(prompt.nodes, prompt.outputs)
        keys = signatures(prompt.nodes, order, self._files)
        cached = [node for node in order if keys[node] in self._cache]
        tell("execution_cached", {"nodes": cached})
        kept: dict[str, Given] = {}
        executed: list[str] = []
        for node in order:
            given = self._cache.get(keys[node])
            try:
                _check(interrupted)
                if given is None:
                    send("progress_state", _state(prompt, node, "running", 0, 1))
                    send("executing", {"node": node, "display_node": node, "prompt_id": prompt.id})
                    given = self._run(prompt, node, kept, send, interrupted)
            except Interrupted:
                facts = {"node_id": node, "node_type": prompt.nodes[node]["class_type"], "executed": executed}
                tell("execution_interrupted", facts)
                outcome.status = "error"
                break
            except Exception as error:  # noqa: BLE001 - whatever a node raises ends its prompt, and nothing else
                tell("execution_error", _error(prompt, node, error, executed))
                outcome.status = "error"
                break
            kept[node] = given
            executed.append(node)
            if given.ui is not None:
                outcome.outputs[node] = given.ui
                event = {"node": node, "display_node": node, "output": given.ui, "prompt_id": prompt.id}
                send("executed", event)
            if given.ui is not None or keys[node] not in self._cache:
                send("progress_state", _state(prompt, node, "finished", 1, 1))
        self._cache = {keys[node]: given for node, given in kept.items()}
        if outcome.status == "success":
            tell("execution_success", {})
        return outcome

    def _run(
        self, prompt: Prompt, node: str, before: dict[str, Given], send: Send, interrupted: threading.Event
    ) -> Given:
        entry = prompt.nodes[node]
        class_type = str(entry["class_type"])

        def tick(value: int, most: int) -> None:
            _check(interrupted)
            send("progress_state", _state(prompt, node, "running", value, most))
            send("progress", {"value": value, "max": most, "prompt_id": prompt.id, "node": node})

        call = Call(
            inputs={name: _resolved(value, before) for name, value in as_object(entry.get("inputs")).items()},
            class_type=class_type,
            definition=self._catalog.get(class_type),
            files=self._files,
            prompt=prompt.nodes,
            extra=prompt.extra_data.get("extra_pnginfo") or {},
            tick=tick,
            show=partial(self._show, prompt.client_id),
        )
        return for_each(call, _perform)


def _state(prompt: Prompt, node: str, name: str, value: int, most: int) -> JsonObject:
    """`progress_state` of one node; ComfyUI repeats all that ran before, which grows with their number squared."""
    facts = {"value": value, "max": most, "state": name, "node_id": node, "prompt_id": prompt.id}
    facts |= {"display_node_id": node, "parent_node_id": None, "real_node_id": node}
    return {"prompt_id": prompt.id, "nodes": {node: facts}}


def _perform(call: Call) -> Given:
    try:
        return NODES.get(call.class_type, simulate)(call)
    except NeedsModel:
        return simulate(call)


def _check(interrupted: threading.Event) -> None:
    if interrupted.is_set():
        raise Interrupted


def _resolved(value: Any, before: dict[str, Given]) -> Any:  # noqa: ANN401 - JSON, or anything that travels along links
    if is_link(value):
        source = before.get(value[0])
        return source.outputs[value[1]] if source is not None and value[1] < len(source.outputs) else None
    return value["__value__"] if is_object(value) and "__value__" in value else value


def in_order(nodes: JsonObject, outputs: tuple[str, ...]) -> list[str]:
    """Every node that the outputs need, each after what it needs. Validation has refused circles."""
    order: list[str] = []
    done: set[str] = set()
    for output in outputs:
        stack = [(output, False)]
        while stack:
            node, ready = stack.pop()
            if node in done:
                continue
            if ready:
                done.add(node)
                order.append(node)
                continue
            stack.append((node, True))
            values = reversed(needed_inputs(nodes[node]))  # so that the first is done first
            stack += [(value[0], False) for value in values if is_link(value) and value[0] in nodes]
    return order


def _error(prompt: Prompt, node: str, error: Exception, executed: list[str]) -> JsonObject:
    """As `execution.py` reports an exception of a node."""
    entry = prompt.nodes[node]
    known = isinstance(error, NodeError | UnsafeName)
    kind = "ValueError" if isinstance(error, UnsafeName) else _full_name(type(error))
    kind = error.exception_type if isinstance(error, NodeError) else kind
    return {
        "node_id": node,
        "node_type": entry["class_type"],
        "executed": executed,
        "exception_message": f"{error}\n",
        "exception_type": kind,
        "traceback": [] if known else traceback.format_tb(error.__traceback__),
        "current_inputs": {name: [_brief(value)] for name, value in as_object(entry.get("inputs")).items()},
        "current_outputs": executed,
    }


def _full_name(kind: type[Exception]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _brief(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Numbers and texts as they are, all else in words; ComfyUI shows tensors as torch prints them."""
    return value if value is None or isinstance(value, int | float | str) else json.dumps(value)[:MAX_SHOWN]
