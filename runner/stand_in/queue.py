"""Prompts that wait, run and have ended."""

from __future__ import annotations

import copy
import threading
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.stand_in.announce import announce

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.model import JsonObject
    from runner.stand_in.execution import Executor, Outcome, Prompt

MAX_HISTORY = 10_000
"""Prompts remembered: ComfyUI's own MAXIMUM_HISTORY_SIZE."""


class PromptQueue:
    """One prompt runs at a time, on a thread of the queue's own."""

    def __init__(self, executor: Executor, send: Callable[[str | None, str, JsonObject], None]) -> None:
        """`send(client_id, event, data)` is called from that thread; `None` means everybody."""
        self._executor = executor
        self._send = send
        self._changed = threading.Condition()
        self._waiting: list[Prompt] = []
        self._running: Prompt | None = None
        self._interrupted = threading.Event()
        self._history: OrderedDict[str, JsonObject] = OrderedDict()
        self._forget = False
        threading.Thread(target=self._work, name="prompts", daemon=True).start()

    def put(self, prompt: Prompt) -> None:
        """Queue a prompt, by its number."""
        with self._changed:
            self._waiting.append(prompt)
            self._waiting.sort(key=lambda waiting: waiting.number)
            self._changed.notify_all()
        self._tell_status()

    def remaining(self) -> int:
        """Prompts that wait or run."""
        with self._changed:
            return len(self._waiting) + (self._running is not None)

    def listing(self) -> tuple[list[Any], list[Any]]:
        """`(running, waiting)`, each as `GET /queue` shows them."""
        with self._changed:
            return [_shown(self._running)] if self._running else [], [_shown(prompt) for prompt in self._waiting]

    def delete(self, ids: set[str] | None) -> None:
        """Take prompts that wait out of the queue; all with `None`."""
        with self._changed:
            self._waiting = [prompt for prompt in self._waiting if ids is not None and prompt.id not in ids]
        self._tell_status()

    def interrupt(self, prompt_id: str | None) -> None:
        """Stop the running prompt, if it is that one."""
        with self._changed:
            if self._running is not None and prompt_id in {None, self._running.id}:
                self._interrupted.set()

    def free(self) -> None:
        """Forget what nodes have given, before the next prompt."""
        with self._changed:
            self._forget = True

    def history(self, prompt_id: str | None = None, most: int | None = None) -> JsonObject:
        """Prompts that have ended, the oldest first."""
        with self._changed:
            if prompt_id is not None:
                entry = self._history.get(prompt_id)
                return {} if entry is None else {prompt_id: copy.deepcopy(entry)}
            ids = list(self._history)[-most:] if most else list(self._history)
            return {id_: copy.deepcopy(self._history[id_]) for id_ in ids}

    def forget_history(self, ids: list[str] | None) -> None:
        """Drop entries; all with `None`."""
        with self._changed:
            for id_ in list(self._history) if ids is None else ids:
                self._history.pop(id_, None)

    def status(self) -> JsonObject:
        """What the socket's `status` message says."""
        return {"status": {"exec_info": {"queue_remaining": self.remaining()}}}

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                prompt = self._running = self._waiting.pop(0)
                self._interrupted.clear()
                if self._forget:
                    self._executor.forget()
                    self._forget = False
            began = time.monotonic()
            outcome = self._executor.execute(prompt, partial(self._send, prompt.client_id), self._interrupted)
            announce(f"Prompt executed in {time.monotonic() - began:.2f} seconds")
            with self._changed:
                self._history[prompt.id] = _entry(prompt, outcome)
                while len(self._history) > MAX_HISTORY:
                    self._history.popitem(last=False)
                self._running = None
            self._send(prompt.client_id, "executing", {"node": None, "prompt_id": prompt.id})
            self._tell_status()

    def _tell_status(self) -> None:
        self._send(None, "status", self.status())


def _shown(prompt: Prompt) -> list[Any]:
    return [prompt.number, prompt.id, prompt.nodes, prompt.extra_data, list(prompt.outputs)]


def _entry(prompt: Prompt, outcome: Outcome) -> JsonObject:
    status = {
        "status_str": outcome.status,
        "completed": outcome.status == "success",
        "messages": outcome.messages,
    }
    meta = {
        node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
        for node in outcome.outputs
    }
    return {"prompt": _shown(prompt), "outputs": outcome.outputs, "status": status, "meta": meta}
