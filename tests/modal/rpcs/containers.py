"""What a container says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import answers

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty

    from tests.modal.dispatch import Call

HEARTBEAT_SECONDS = 10.0
"""A heartbeat is answered after this, or as soon as an input is to be cancelled."""


@answers("ContainerHello")
def hello(_: Call, __: Empty) -> None: ...


@answers("ContainerHeartbeat")
async def heartbeat(call: Call, _: api_pb2.ContainerHeartbeatRequest) -> api_pb2.ContainerHeartbeatResponse:
    assert call.container is not None
    ids = await call.container.to_cancel(HEARTBEAT_SECONDS)
    if not ids:
        return api_pb2.ContainerHeartbeatResponse()
    return api_pb2.ContainerHeartbeatResponse(cancel_input_event=api_pb2.CancelInputEvent(input_ids=ids))


@answers("ContainerCheckpoint")
def checkpoint(call: Call, _: api_pb2.ContainerCheckpointRequest) -> None:
    """A memory snapshot is taken, and the container restored from it: here it just goes on."""
    assert call.container is not None
    call.container.restore()


@answers("TaskResult")
def result(call: Call, request: api_pb2.TaskResultRequest) -> None:
    """It failed before its first input, or between two."""
    assert call.container is not None
    call.container.failure = request.result
