"""Images: every layer is recorded and has a log; nothing is installed. What fails, and how, is told by `faults.Build`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import Image, id_of, not_found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.modal.dispatch import Call

PYTHON = "Python 3.12.10"
Result = api_pb2.GenericResult


@answers("ImageGetOrCreate")
def get_or_create(call: Call, request: api_pb2.ImageGetOrCreateRequest) -> api_pb2.ImageGetOrCreateResponse:
    images = call.workspace.images
    id_ = id_of("im", request.image.SerializeToString(deterministic=True), request.builder_version)
    image = images.setdefault(id_, Image(id_, request))
    if image.is_built and not (request.force_build or request.ignore_cache):
        return api_pb2.ImageGetOrCreateResponse(image_id=id_, result=image.result, metadata=_metadata(image))
    if image.builds == 0 or image.result is not None:  # else it is being built, for somebody else
        image.log.clear()
        image.result, image.builds = None, image.builds + 1
        call.bed.spawn(_build(call, image))
    return api_pb2.ImageGetOrCreateResponse(image_id=id_)


async def _build(call: Call, image: Image) -> None:
    description = "\n".join([*image.commands, image.request.image.build_function.definition])
    chosen = call.bed.faults.build(description, call.workspace.name)
    lines = [f"=> Step {n}: {command}\n" for n, command in enumerate(image.commands)]
    lines += [] if chosen is None else [line if line.endswith("\n") else f"{line}\n" for line in chosen.log]
    for line in lines:
        _print(image, line)
        if chosen is not None and chosen.seconds:
            await asyncio.sleep(chosen.seconds / len(lines))
    if chosen is not None and chosen.fails:
        image.result = Result(
            status=Result.GenericStatus.Value(f"GENERIC_STATUS_{chosen.status}"), exception=chosen.error
        )
    else:
        image.result = Result(status=Result.GENERIC_STATUS_SUCCESS)
    _wake(image)


def _print(image: Image, line: str) -> None:
    image.log.append(line)
    _wake(image)


def _wake(image: Image) -> None:
    image.changed.set()
    image.changed = asyncio.Event()


@answers("ImageJoinStreaming")
async def join(
    call: Call, request: api_pb2.ImageJoinStreamingRequest
) -> AsyncIterator[api_pb2.ImageJoinStreamingResponse]:
    """The log from where the client has it, and then the result."""
    if request.image_id not in call.workspace.images:
        raise not_found(f"Image {request.image_id!r}")
    image = call.workspace.images[request.image_id]
    position = int(request.last_entry_id or 0)
    ends = time.monotonic() + (request.timeout or 55)
    while time.monotonic() < ends:
        changed = image.changed
        while position < len(image.log):
            line = api_pb2.TaskLogs(
                data=image.log[position], file_descriptor=api_pb2.FILE_DESCRIPTOR_STDOUT, timestamp=time.time()
            )
            position += 1
            yield api_pb2.ImageJoinStreamingResponse(entry_id=str(position), task_logs=[line])
        if image.result is not None:
            yield api_pb2.ImageJoinStreamingResponse(result=image.result, metadata=_metadata(image), eof=True)
            return
        try:
            await asyncio.wait_for(changed.wait(), ends - time.monotonic())
        except TimeoutError:
            return


def _metadata(image: Image) -> api_pb2.ImageMetadata:
    return api_pb2.ImageMetadata(
        python_version_info=PYTHON, image_builder_version=image.request.builder_version, workdir="/root"
    )
