"""Carries out one job on ComfyUI: uploads, prompt, progress, history, outputs."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import secrets
from typing import TYPE_CHECKING, Any

from shared.comfy import (
    ComfyClient,
    ComfyError,
    EngineFacts,
    EngineUnreachable,
    Interrupted,
    NodeFailed,
    PreviewFrame,
    UnexpectedAnswer,
)
from shared.failures import explain
from shared.jobs import Job, Progress
from shared.json_values import JsonObject, as_list, as_object
from shared.outputs import Output, collect
from shared.problems import Cancelled, EngineDied, EngineDown, Problem, TimedOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from shared.bucket import Bucket
    from shared.definition import Definition
    from shared.engine import Engine, EngineStatus

HISTORY_SECONDS = 0.05
"""Between two looks into the history once the end was announced: `execution_success` comes a moment before it."""
SILENCE_SECONDS = 5.0
"""Without an event for this long the history is looked at: the end may have been announced while nobody listened."""
LET_GO_SECONDS = 10.0
"""How long an interrupted ComfyUI may take to let go. A node that does not look at the interrupt flag, deep in one long
kernel, holds everybody else up: then the process is replaced."""
ASK_AGAIN_SECONDS = 0.5
"""Between two requests to let go: ComfyUI clears the flag as it begins a prompt, so the first may go unheard."""
FAREWELL_SECONDS = 2.0
"""For the last word to ComfyUI when the app stops; Modal gives 30 s for everything."""
DEATH_SECONDS = 2.0
"""A connection that breaks because the process dies is noticed before the death itself; this waits for its reason."""
TRANSFER_SECONDS = 300.0
"""On top of the time to execute: for the inputs to reach ComfyUI and the outputs to leave it."""
ENDINGS = frozenset({"execution_success", "execution_error", "execution_interrupted"})


class Execution:
    """Runs jobs on one engine, one at a time."""

    def __init__(
        self,
        definition: Definition,
        engine: Engine,
        http: httpx.AsyncClient,
        *,
        cold_start_seconds: float,
        bucket: Bucket | None = None,
        partner_key: str | None = None,
    ) -> None:
        self._definition = definition
        self._engine = engine
        self._http = http
        self._bucket = bucket
        self._partner_key = partner_key
        self._facts: tuple[int, EngineFacts] | None = None
        self._missing: tuple[int, list[str]] | None = None
        self._uncharged_cold_start = cold_start_seconds

    async def facts(self) -> EngineFacts:
        """What the engine says it is, asked anew each time.

        Raises:
            EngineDown: it does not run or does not answer.
        """
        status = self._engine.status()
        if status.state != "ready":
            raise EngineDown(status.reason or "ComfyUI is starting.", retry_after=5)
        try:
            facts = await ComfyClient(self._http, status.url).facts()
        except ComfyError as error:
            raise self._with_log(EngineDown(f"ComfyUI does not answer: {error}", retry_after=5)) from error
        self._facts = (status.generation, facts)
        return facts

    async def missing_classes(self) -> list[str]:
        """Node classes that the workflow, or a node of it, needs and ComfyUI does not have; asked once per start.

        Raises:
            EngineDown: ComfyUI does not answer.
        """
        status = self._engine.status()
        if self._missing is None or self._missing[0] != status.generation:
            client = ComfyClient(self._http, status.url)
            classes = {str(as_object(entry).get("class_type")) for entry in self._definition.prompt.values()}
            try:
                missing = [name for name in sorted(classes) if not await client.has_class(name)]
            except ComfyError as error:
                raise self._with_log(EngineDown(f"ComfyUI does not answer: {error}", retry_after=5)) from error
            self._missing = (status.generation, missing)
        return list(dict.fromkeys((*self._missing[1], *self._engine.log.missing_classes())))

    async def run(self, job: Job) -> tuple[Output, ...]:
        """Carry out the job and return what it made.

        Raises:
            Problem: it failed, was cancelled or took too long.
        """
        job.cold_start_seconds, self._uncharged_cold_start = self._uncharged_cold_start, 0.0
        status = self._engine.status()
        if status.state != "ready":  # a thread costs time, and most jobs need none
            status = await asyncio.to_thread(self._engine.wait_ready, self._definition.lock.timeouts.startup_seconds)
        if status.state != "ready":
            raise self._with_log(EngineDown(f"ComfyUI did not come back: {status.reason}"))
        limit = self._definition.lock.timeouts.execution_seconds
        try:
            async with asyncio.timeout(limit + TRANSFER_SECONDS):
                outputs = await self._run_on(status, job)
        except TimeoutError:
            raise TimedOut(f"The job was stopped after {limit + TRANSFER_SECONDS:g} s.") from None
        except EngineUnreachable as error:
            raise await self._loss(status, error) from error
        except ComfyError as error:
            raise explain(error, self._definition) from error
        return await self._bucket.keep(job.id, outputs) if self._bucket else outputs

    async def _run_on(self, status: EngineStatus, job: Job) -> tuple[Output, ...]:
        client = ComfyClient(self._http, status.url)
        if self._facts is None or self._facts[0] != status.generation:
            self._facts = (status.generation, await client.facts())
        job.engine = self._facts[1].engine
        values = dict(job.values)
        for upload in job.uploads:
            values[upload.field] = await client.upload(upload.path, upload.name)
        prompt = fill(self._definition, values)
        client_id = secrets.token_hex(16)
        async with client.events(client_id) as events:
            prompt_id = await client.submit(
                prompt, client_id, previews=job.wants_previews, partner_key=self._partner_key
            )
            tracker = Tracker(self._definition, prompt_id, job)
            following = asyncio.create_task(_follow(client, events, prompt_id, tracker))
            history = await self._await_end(client, following, prompt_id, job)
        return await collect(client, succeeded(history), self._definition, job.folder)

    async def _await_end(
        self, client: ComfyClient, following: asyncio.Task[JsonObject], prompt_id: str, job: Job
    ) -> JsonObject:
        limit = self._definition.lock.timeouts.execution_seconds
        cancelling = asyncio.create_task(job.cancelled.wait())
        try:
            await asyncio.wait({following, cancelling}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                return following.result()
            await self._stop(client, following, prompt_id)
        except asyncio.CancelledError:  # the app stops; a ComfyUI of somebody else must not go on for nobody
            with contextlib.suppress(ComfyError, TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await client.cancel(prompt_id)
            raise
        finally:
            cancelling.cancel()
            following.cancel()
        if job.cancelled.is_set():
            raise Cancelled("The job was cancelled while it ran.")
        raise TimedOut(f"The job was stopped after {limit:g} s.")

    async def _stop(self, client: ComfyClient, following: asyncio.Task[JsonObject], prompt_id: str) -> None:
        """Make ComfyUI drop the prompt; replace ComfyUI if it will not."""
        try:
            async with asyncio.timeout(LET_GO_SECONDS):
                while not following.done():
                    await client.cancel(prompt_id)
                    await asyncio.wait({following}, timeout=ASK_AGAIN_SECONDS)
        except ComfyError:
            return  # it is gone, and the prompt with it
        except TimeoutError:
            await asyncio.to_thread(self._engine.restart, "ComfyUI was replaced: a cancelled job would not let go")

    async def _loss(self, status: EngineStatus, error: EngineUnreachable) -> Problem:
        """The connection broke: find out whether the process did too."""
        now = await asyncio.to_thread(self._engine.wait_change, status.generation, DEATH_SECONDS)
        lost = now.state != "ready" or now.generation != status.generation
        if lost:
            return self._with_log(EngineDied(f"The job was lost: {now.reason or 'ComfyUI was started anew'}"))
        return self._with_log(EngineDown(f"The job was lost: the connection to ComfyUI broke: {error}"))

    def _with_log(self, problem: Problem) -> Problem:
        problem.log = self._engine.log.tail()
        return problem


class Tracker:
    """Turns ComfyUI's events into progress of the job as a whole."""

    def __init__(self, definition: Definition, prompt_id: str, job: Job) -> None:
        self._definition = definition
        self._prompt_id = prompt_id
        self._job = job
        self._total = max(1, len(definition.prompt))
        self._seen: set[str] = set()
        self._node: str | None = None

    def take(self, event: JsonObject | PreviewFrame) -> bool:
        """Tell of one event; says whether it announces the end."""
        if isinstance(event, PreviewFrame):
            if self._job.wants_previews:
                self._job.show(event.media_type, event.image)
            return False
        kind, facts = event.get("type"), as_object(event.get("data"))
        if facts.get("prompt_id") != self._prompt_id:
            return False
        if kind == "execution_cached":
            self._seen.update(str(node) for node in as_list(facts.get("nodes")))
        elif kind == "executing":
            if facts.get("node") is None:
                return True
            self._node = str(facts["node"])
            self._seen.add(self._node)
            self._advance(None, None)
        elif kind == "progress":
            self._node = str(facts.get("node") or self._node or "") or None
            self._advance(_whole(facts.get("value")), _whole(facts.get("max")))
        return kind in ENDINGS

    def _advance(self, step: int | None, total: int | None) -> None:
        within = step / total if step is not None and total else 0.0
        fraction = min(1.0, (max(0, len(self._seen) - 1) + min(1.0, within)) / self._total)
        title = self._definition.node_title(self._node) if self._node else None
        self._job.advance(Progress(node=self._node, title=title, step=step, total=total, fraction=round(fraction, 4)))


def fill(definition: Definition, values: dict[str, Any]) -> JsonObject:
    """A copy of the prompt with the inputs written to all their targets."""
    prompt = copy.deepcopy(definition.prompt)
    for field in definition.inputs:
        if field.name in values:
            for node, name in field.targets:
                prompt[node].setdefault("inputs", {})[name] = values[field.name]
    return prompt


def succeeded(history: JsonObject) -> JsonObject:
    """The history entry, if it is one of success.

    Raises:
        NodeFailed: a node raised.
        Interrupted: it was interrupted from elsewhere.
    """
    status = as_object(history.get("status"))
    for message in map(as_list, as_list(status.get("messages"))):
        kind, data = message[0], as_object(message[1])
        if kind == "execution_error":
            raise NodeFailed(
                str(data.get("exception_message") or "").strip(),
                exception=str(data.get("exception_type") or "Exception").rpartition(".")[2],
                node=str(data.get("node_id")),
                class_type=str(data.get("node_type")),
            )
        if kind == "execution_interrupted":
            raise Interrupted("interrupted")
    if status.get("status_str") == "error":
        raise UnexpectedAnswer("the history says `error` and not which")
    return history


async def _follow(
    client: ComfyClient, events: AsyncIterator[JsonObject | PreviewFrame], prompt_id: str, tracker: Tracker
) -> JsonObject:
    """Read events until the prompt is in the history, and return its entry there."""
    arriving: asyncio.Task[JsonObject | PreviewFrame] | None = None
    patience = SILENCE_SECONDS
    try:
        while True:
            arriving = arriving or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({arriving}, timeout=patience)
            if done:
                try:
                    event = arriving.result()
                except StopAsyncIteration:
                    raise EngineUnreachable("ComfyUI closed the event socket") from None
                arriving = None
                if not tracker.take(event):
                    continue
                patience = HISTORY_SECONDS
            history = await client.history(prompt_id)
            if history is not None:
                return history
    finally:
        if arriving is not None:
            arriving.cancel()


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
