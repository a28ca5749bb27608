"""What containers printed: by time, from the end, or as it comes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.modal.dispatch import Call
    from tests.modal.world import LogLine

STREAM_SECONDS = 55.0
LOOK_SECONDS = 0.05


def _wanted(
    lines: Iterable[LogLine], request: api_pb2.AppFetchLogsRequest | api_pb2.AppCountLogsRequest
) -> list[LogLine]:
    since, until = request.since.ToNanoseconds() / 1e9, request.until.ToNanoseconds() / 1e9
    return [
        line
        for line in lines
        if since <= line.at < until
        and request.source in (api_pb2.FILE_DESCRIPTOR_UNSPECIFIED, line.source)
        and request.search_text in line.text
        and request.function_id in ("", line.function_id)
        and request.task_id in ("", line.task_id)
    ]


def _batch(lines: list[LogLine], entry_id: str = "") -> list[api_pb2.TaskLogsBatch]:
    """One for each container."""
    batches: dict[str, api_pb2.TaskLogsBatch] = {}
    for line in lines:
        batch = batches.setdefault(
            line.task_id,
            api_pb2.TaskLogsBatch(task_id=line.task_id, function_id=line.function_id, entry_id=entry_id),
        )
        batch.items.add(data=line.text, timestamp=line.at, timestamp_ns=int(line.at * 1e9), file_descriptor=line.source)
    return list(batches.values())


@answers("AppFetchLogs")
def fetch(call: Call, request: api_pb2.AppFetchLogsRequest) -> api_pb2.AppFetchLogsResponse:
    lines = _wanted(call.workspace.app(request.app_id).logs, request)
    return api_pb2.AppFetchLogsResponse(batches=_batch(lines[-request.limit :] if request.limit else lines))


@answers("AppCountLogs")
def count(call: Call, request: api_pb2.AppCountLogsRequest) -> api_pb2.AppCountLogsResponse:
    buckets: dict[int, Counter[int]] = defaultdict(Counter)
    for line in _wanted(call.workspace.app(request.app_id).logs, request):
        buckets[int(line.at // request.bucket_secs * request.bucket_secs)][line.source] += 1
    told = api_pb2.AppCountLogsResponse(app_id=request.app_id)
    for start, by_source in sorted(buckets.items()):
        bucket = told.buckets.add(
            stdout_logs=by_source[api_pb2.FILE_DESCRIPTOR_STDOUT],
            stderr_logs=by_source[api_pb2.FILE_DESCRIPTOR_STDERR],
            system_logs=by_source[api_pb2.FILE_DESCRIPTOR_INFO],
        )
        bucket.bucket_start_at.FromSeconds(start)
    return told


@answers("AppGetLogs")
async def stream(call: Call, request: api_pb2.AppGetLogsRequest) -> AsyncIterator[api_pb2.TaskLogsBatch]:
    app = call.workspace.app(request.app_id)
    position = int(request.last_entry_id or 0)
    ends = time.monotonic() + (request.timeout or STREAM_SECONDS)
    while time.monotonic() < ends:
        lines = app.logs[position:]
        position += len(lines)
        for batch in _batch(lines, str(position)):
            yield batch
        if not lines and app.state == api_pb2.APP_STATE_STOPPED:
            yield api_pb2.TaskLogsBatch(entry_id=str(position), app_done=True)
            return
        await asyncio.sleep(LOOK_SECONDS)
