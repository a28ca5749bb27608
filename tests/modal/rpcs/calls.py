"""Calls of functions: what a client sends and waits for, what a container fetches and gives back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.invocation import Invocation
from tests.modal.world import not_found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.modal.container import Container
    from tests.modal.dispatch import Call

LONGEST_WAIT_SECONDS = 55.0
FETCH_SECONDS = 5.0
"""A container that finds no input within this asks again."""


@answers("FunctionMap")
def start(call: Call, request: api_pb2.FunctionMapRequest) -> api_pb2.FunctionMapResponse:
    function = call.workspace.function(request.function_id)
    if not call.workspace.app(function.app_id).is_deployed:
        raise GRPCError(Status.FAILED_PRECONDITION, "App is not deployed")
    (item,) = request.pipelined_inputs  # one: the product maps over nothing
    invocation = Invocation(function, item.input, request.function_call_invocation_type)
    call.bed.submit(call.workspace, invocation)
    answered = api_pb2.FunctionMapResponse(function_call_id=invocation.id)
    answered.pipelined_inputs.add(idx=0, input_id=invocation.input_id)
    return answered


@answers("FunctionGetOutputs")
async def outputs(call: Call, request: api_pb2.FunctionGetOutputsRequest) -> api_pb2.FunctionGetOutputsResponse:
    invocation = _of(call, request.function_call_id)
    try:
        output = await asyncio.wait_for(asyncio.shield(invocation.output), min(request.timeout, LONGEST_WAIT_SECONDS))
    except TimeoutError:
        return api_pb2.FunctionGetOutputsResponse(num_unfinished_inputs=1, last_entry_id="0-0")
    told = api_pb2.FunctionGetOutputsResponse(idxs=[0], last_entry_id="1-0")
    told.outputs.add(
        result=output.result,
        idx=0,
        input_id=invocation.input_id,
        data_format=output.data_format,
        input_started_at=output.input_started_at,
        output_created_at=output.output_created_at,
    )
    return told


@answers("FunctionCallCancel")
def cancel(call: Call, request: api_pb2.FunctionCallCancelRequest) -> None:
    invocation = _of(call, request.function_call_id)
    container = invocation.function.container
    if container is not None and invocation.input_id in container.running:
        container.cancel(invocation)
    else:
        invocation.fail("TERMINATED", "cancelled")


def _of(call: Call, call_id: str) -> Invocation:
    invocation = call.bed.invocations.get(call_id)
    if invocation is None or invocation.function.id not in call.workspace.functions:
        raise not_found(f"Function call {call_id!r}")
    return invocation


# What containers ask


def _container(call: Call) -> Container:
    if call.container is None:
        raise GRPCError(Status.PERMISSION_DENIED, "only a container asks this")
    return call.container


@answers("FunctionGetInputs")
async def fetch(call: Call, _: api_pb2.FunctionGetInputsRequest) -> api_pb2.FunctionGetInputsResponse:
    try:
        item = await asyncio.wait_for(_container(call).next_input(), FETCH_SECONDS)
    except TimeoutError:
        return api_pb2.FunctionGetInputsResponse()
    return api_pb2.FunctionGetInputsResponse(inputs=[item])


@answers("FunctionPutOutputs")
def put_outputs(call: Call, request: api_pb2.FunctionPutOutputsRequest) -> None:
    for output in request.outputs:
        _container(call).finish(output)


@answers("FunctionCallGetDataIn")
async def data_in(call: Call, request: api_pb2.FunctionCallGetDataRequest) -> AsyncIterator[api_pb2.DataChunk]:
    invocation = _of(call, request.function_call_id)
    position = request.last_index
    while not invocation.output.done():
        changed = invocation.changed
        for chunk in invocation.data_in[position:]:
            position += 1
            yield chunk
        waits = asyncio.ensure_future(changed.wait())
        await asyncio.wait([waits, invocation.output], return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()


@answers("FunctionCallPutDataOut")
def data_out(call: Call, request: api_pb2.FunctionCallPutDataRequest) -> None:
    invocation = _of(call, request.function_call_id)
    for chunk in request.data_chunks:
        invocation.data_out.put_nowait(chunk)
