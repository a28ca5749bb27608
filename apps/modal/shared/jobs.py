"""Jobs: a bounded queue, one worker (ComfyUI runs one prompt at a time), and whoever waits or listens."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import math
import secrets
import shutil
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from shared.problems import Cancelled, KeyReused, NotFound, Problem, QueueFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from shared.outputs import Output

JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
log = logging.getLogger(__name__)

KEEP_JOBS = 200
"""Ended jobs that are kept; the oldest goes first, with its files."""
KEEP_SECONDS = 3600.0
"""An ended job is kept this long at most: longer than any sensible client needs to fetch its outputs."""
KEEP_BYTES = 4 * 1024**3
"""Outputs that are kept take at most so much of the disk, the newest job's aside."""
GUESS_SECONDS = 10.0
"""Duration of a job before one has been measured, for Retry-After."""
MAX_RETRY_AFTER = 600
PREVIEW_SECONDS = 0.25
"""Between two previews of a job: enough for the eye, and a hundred listeners stay cheap."""
PREVIEW_BYTES = 512 * 1024
"""Larger ones are not passed on. ComfyUI's have 512 pixels at most, a tenth of this."""


@dataclass(frozen=True)
class Progress:
    """Where a running job is."""

    node: str | None = None
    title: str | None = None
    """What people call the node."""
    step: int | None = None
    total: int | None = None
    fraction: float = 0.0
    """Of the whole job, 0 to 1, by nodes and the steps within one."""


@dataclass(frozen=True)
class Upload:
    """A media input, kept in a file until ComfyUI has it."""

    field: str
    path: Path
    name: str
    """The name it gets in ComfyUI's input folder: made by us, from its content."""


@dataclass(eq=False)
class Job:
    """One request for outputs. Owned by `Jobs`; others read it."""

    inputs: Mapping[str, Any]
    """As reported: resolved, media elided."""
    values: Mapping[str, Any]
    """As written into the prompt; media are added when they are uploaded."""
    seed: int | None
    uploads: tuple[Upload, ...]
    folder: Path
    webhook_url: str | None = None
    """Who wants to be told of its end."""
    wants_previews: bool = False
    """Whether ComfyUI is to make previews. Set until it runs; they cost it time."""
    id: str = field(default_factory=lambda: f"job_{secrets.token_hex(12)}")
    state: JobState = "queued"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    enqueued: float = field(default_factory=time.monotonic)
    started: float | None = None
    ended: float | None = None
    progress: Progress = Progress()
    preview: str | None = None
    """The latest preview, as a data URI."""
    outputs: tuple[Output, ...] = ()
    problem: Problem | None = None
    cold_start_seconds: float = 0.0
    """The part of this container's cold start that is charged to this job: all of it for the first, else nothing."""
    idle_seconds: float = 0.0
    """How long the app had stood without a job when this one started."""
    engine: str | None = None
    """`comfyui` or `stand-in`, known once it ran."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever wants it cancelled; the worker obeys."""
    revision: int = 0
    """Counts changes of what the job's JSON says."""
    _previewed: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in {"succeeded", "failed", "cancelled"}

    @property
    def queue_seconds(self) -> float:
        """Time it waited, so far or in all."""
        return (self.started or self.ended or time.monotonic()) - self.enqueued

    @property
    def execution_seconds(self) -> float:
        """Time it ran, so far or in all."""
        return 0.0 if self.started is None else (self.ended or time.monotonic()) - self.started

    def notify(self) -> None:
        """Tell everybody who waits for a change."""
        self.revision += 1
        self._wake()

    def advance(self, progress: Progress) -> None:
        """Tell where it is."""
        self.progress = progress
        self.notify()

    def show(self, media_type: str, image: bytes) -> None:
        """Show a preview, unless it is large or comes soon after another."""
        now = time.monotonic()
        if len(image) <= PREVIEW_BYTES and now - self._previewed >= PREVIEW_SECONDS:
            self._previewed = now
            self.preview = f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"
            self._wake()

    async def changes(self) -> AsyncIterator[None]:
        """Yield now and after every change and preview, until the job has ended.

        A slow reader misses steps, never the end.
        """
        while True:
            changed = self._changed
            yield
            if self.has_ended:
                return
            await changed.wait()

    async def wait(self, seconds: float) -> bool:
        """Wait until it has ended, `seconds` at most; says whether it has."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for _ in self.changes():
                    pass
        return self.has_ended

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Jobs:
    """All jobs of this app. Use it from one event loop only."""

    def __init__(
        self,
        run: Callable[[Job], Awaitable[tuple[Output, ...]]],
        *,
        limit: int,
        on_end: Callable[[Job], None],
        idle_since: float,
    ) -> None:
        """`run` carries one job out and raises a `Problem` when it fails; `on_end` hears of every job that ended.

        `idle_since` is when the app became ready, on the monotonic clock.
        """
        self._run = run
        self._idle_since = idle_since
        self._limit = limit
        self._on_end = on_end
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Job] = deque()
        self._arrived = asyncio.Event()
        self._mean_seconds = GUESS_SECONDS
        self._keys: dict[str, tuple[str, asyncio.Future[Job]]] = {}

    def __len__(self) -> int:
        """Jobs that wait."""
        return len(self._queue)

    def get(self, job_id: str) -> Job:
        """The job.

        Raises:
            NotFound: there is none, or it was long ago.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound("This app has no such job.")
        return job

    def position(self, job: Job) -> int | None:
        """Jobs ahead of one that waits, the running one included."""
        if job.state != "queued":
            return None
        running = any(other.state == "running" for other in self._jobs.values())
        return self._queue.index(job) + running

    def check_room(self) -> None:
        """Refuse early, before media are fetched for a job that would find no room.

        Raises:
            QueueFull: as many jobs wait as may wait.
        """
        if len(self._queue) >= self._limit:
            seconds = min(MAX_RETRY_AFTER, max(1, math.ceil(self._mean_seconds)))
            raise QueueFull(f"{len(self._queue)} jobs are waiting; that is the limit.", retry_after=seconds)

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue.

        Raises:
            QueueFull: as many jobs wait as may wait.
        """
        self.check_room()
        self._forget_old()
        self._jobs[job.id] = job
        self._queue.append(job)
        self._arrived.set()

    def cancel(self, job: Job) -> None:
        """Cancel a job: one that waits ends at once, a running one when ComfyUI lets go of it, an ended one stays."""
        job.cancelled.set()
        if job.state == "queued":
            self._queue.remove(job)
            self._end(job, Cancelled("The job was cancelled before it ran."))
            self._notify_waiting()

    async def work(self) -> None:
        """Carry the jobs out, one after the other, for ever."""
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            job = self._queue.popleft()
            job.state, job.started = "running", time.monotonic()
            job.idle_seconds = job.started - self._idle_since
            job.notify()
            self._notify_waiting()
            problem: Problem | None = None
            try:
                job.outputs = await self._run(job)
            except Problem as raised:
                problem = raised
            except asyncio.CancelledError:
                self._end(job, Cancelled("The app was stopped while the job ran."))
                raise
            except Exception:
                log.exception("job %s", job.id)
                problem = Problem("The app failed to carry out the job.")
            self._end(job, problem)
            self._idle_since = job.ended or job.started
            self._mean_seconds += (job.execution_seconds - self._mean_seconds) / 4  # the recent ones count most

    def end_waiting(self) -> None:
        """End what still waits, because the app stops."""
        while self._queue:
            self._end(self._queue.popleft(), Cancelled("The app was stopped before the job ran."))

    async def once(self, key: str | None, fingerprint: str, make: Callable[[], Awaitable[Job]]) -> Job:
        """The job of an earlier request with this key, else a new one; two at the same time make one job.

        `make` may fail; then the key is free again and whoever waited for it gets the same error.

        Raises:
            KeyReused: the key came with a different request before.
        """
        if key is None:
            return await make()
        known = self._keys.get(key)
        if known is not None:
            if known[0] != fingerprint:
                raise KeyReused("The key came with different inputs before.")
            return await asyncio.shield(known[1])
        future: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        self._keys[key] = (fingerprint, future)
        try:
            job = await make()
        except BaseException as error:
            del self._keys[key]
            failure = error if isinstance(error, Exception) else Problem("The first request with this key broke off.")
            future.set_exception(failure)
            future.exception()  # nobody else may have waited for it
            raise
        future.set_result(job)
        return job

    def _end(self, job: Job, problem: Problem | None) -> None:
        job.problem = problem
        job.state = "succeeded" if problem is None else "cancelled" if isinstance(problem, Cancelled) else "failed"
        job.ended = time.monotonic()
        job.preview = None
        if job.state == "succeeded":
            job.progress = Progress(fraction=1.0)
        for upload in job.uploads:
            upload.path.unlink(missing_ok=True)
        job.notify()
        self._on_end(job)

    def _notify_waiting(self) -> None:
        for job in self._queue:
            job.notify()

    def _forget_old(self) -> None:
        """Called with every new job, so an idle app keeps its last results and a busy one stays within bounds."""
        ended = [job for job in self._jobs.values() if job.ended is not None]
        limit = time.monotonic() - KEEP_SECONDS
        size = 0
        for index, job in enumerate(reversed(ended)):
            size += sum(output.bytes for output in job.outputs)
            if index >= KEEP_JOBS or (index and size > KEEP_BYTES) or (job.ended or 0.0) < limit:
                del self._jobs[job.id]
                shutil.rmtree(job.folder, ignore_errors=True)
        self._keys = {
            key: (print_, future)
            for key, (print_, future) in self._keys.items()
            if not future.done() or future.exception() or future.result().id in self._jobs
        }
