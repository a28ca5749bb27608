"""The way of a call through the stand-in: who asks? a fault? which handler? and the entry in the record."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from grpclib.encoding.base import StatusDetailsCodecBase
from modal_proto import api_pb2
from modal_proto.api_grpc import ModalClientBase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message
    from grpclib.server import Stream

    from tests.modal.bed import ModalBed
    from tests.modal.container import Container
    from tests.modal.faults import Fault
    from tests.modal.world import Workspace

TASK_HEADER = "x-flowberth-task-id"
"""A container says by this who it is; Modal's own workers know it from where the call comes."""
LOOK_SECONDS = 0.05
"""Between two looks whether a call is still to be late."""


@dataclass(frozen=True)
class Call:
    """Who asks."""

    bed: ModalBed
    workspace: Workspace
    client_version: str
    container: Container | None
    """When it is one of ours that asks."""


@dataclass
class Record:
    """A call that came in."""

    at: float
    method: str
    workspace: str | None
    """None of one whose token nobody knows."""
    message: Any
    headers: dict[str, str]
    status: str = "pending"
    """OK, the refusal's name, or "cut"; "bug: …" of a handler that has failed."""


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}


def answers(method: str) -> Callable[[Any], Any]:
    """Of a function (call, message) → the answer, awaitable or not, or an async generator of answers."""

    def register(handler: Callable[[Call, Any], Any]) -> Callable[[Call, Any], Any]:
        assert method not in HANDLERS, method
        HANDLERS[method] = handler
        return handler

    return register


def servicer(bed: ModalBed) -> ModalClientBase:
    """Every method that Modal's API has; those without a handler are answered UNIMPLEMENTED."""

    def method(name: str) -> Callable[[ModalClientBase, Stream[Any, Any]], Any]:
        return lambda _self, stream: _answer(bed, name, stream)

    names = ModalClientBase.__abstractmethods__
    return type("Servicer", (ModalClientBase,), {name: method(name) for name in names})()


async def _answer(bed: ModalBed, method: str, stream: Stream[Any, Any]) -> None:
    message = await stream.recv_message()
    assert message is not None
    headers = {str(name): str(value) for name, value in (stream.metadata or {}).items()}
    record = Record(time.time(), method, None, message, headers)
    bed.calls.append(record)
    try:
        call = _admitted(bed, headers)
        record.workspace = call.workspace.name
        record.status = await _answered_or_struck(call, method, message, stream)
    except GRPCError as error:
        record.status = error.status.name
        raise
    except Exception as error:
        record.status = f"bug: {error!r}"
        raise


async def _answered_or_struck(call: Call, method: str, message: Message, stream: Stream[Any, Any]) -> str:
    fault = call.bed.faults.strikes(method, call.workspace.name, message)
    if fault is not None and fault.status == "OK" and fault.when == "after":
        await _carry_out(method, call, message, _late(call.bed, fault, stream.send_message))
        return "OK"
    if fault is not None:
        await _wait(call.bed, fault)
    if fault is None or fault.status == "OK":
        await _carry_out(method, call, message, stream.send_message)
        return "OK"
    if fault.when == "after":
        await _carry_out(method, call, message, _unsent)
    error = fault.error()
    if error is not None:
        raise error
    await stream.cancel()
    return "cut"


async def _carry_out(method: str, call: Call, message: Message, send: Callable[[Any], Any]) -> None:
    handler = HANDLERS.get(method)
    if handler is None:
        raise GRPCError(Status.UNIMPLEMENTED, f"this stand-in for Modal does not know {method}")
    answer = handler(call, message)
    if inspect.isasyncgen(answer):
        async for part in answer:
            await send(part)
        return
    if inspect.isawaitable(answer):
        answer = await answer
    await send(Empty() if answer is None else answer)


async def _wait(bed: ModalBed, fault: Fault) -> None:
    """As long as the fault says, or until the test has taken it away."""
    ends = time.monotonic() + fault.seconds
    while (left := ends - time.monotonic()) > 0 and fault in bed.faults.calls:  # noqa: ASYNC110 - from another thread
        await asyncio.sleep(min(left, LOOK_SECONDS))


def _late(bed: ModalBed, fault: Fault, send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def after_a_while(answer: Message) -> None:
        await _wait(bed, fault)
        await send(answer)

    return after_a_while


async def _unsent(_answer: Message) -> None:
    """The answer that is lost."""


def _admitted(bed: ModalBed, headers: dict[str, str]) -> Call:
    version = headers.get("x-modal-client-version", "")
    if headers.get("x-modal-client-type") == str(api_pb2.CLIENT_TYPE_CONTAINER):
        container = bed.containers.get(headers.get(TASK_HEADER, ""))
        if container is None:
            raise GRPCError(Status.UNAUTHENTICATED, "no such container")
        return Call(bed, container.workspace, version, container)
    for workspace in bed.workspaces.values():
        known = hmac.compare_digest(workspace.token_secret, headers.get("x-modal-token-secret", ""))
        if workspace.token_id == headers.get("x-modal-token-id") and known:
            return Call(bed, workspace, version, None)
    raise GRPCError(Status.UNAUTHENTICATED, "Token ID or secret is invalid")


class Details(StatusDetailsCodecBase):
    """What an error has besides its words, as Modal's client reads it."""

    def encode(self, status: Status, message: str | None, details: Sequence[Message] | None) -> bytes:
        told = api_pb2.RPCStatus(code=status.value, message=message or "")
        for detail in details or ():
            told.details.add().Pack(detail)
        return told.SerializeToString()

    def decode(self, status: Status, message: str | None, data: bytes) -> None:
        raise NotImplementedError("only a client reads them")
