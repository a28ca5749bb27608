"""One call of a function, by a client or through its web address."""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.world import new_id

if TYPE_CHECKING:
    from tests.modal.faults import Outcome
    from tests.modal.world import Function

Result = api_pb2.GenericResult


class Invocation:
    """Its input, its streams and its output. All of it belongs to the stand-in's event loop."""

    def __init__(
        self,
        function: Function,
        input_: api_pb2.FunctionInput,
        kind: int = api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC,
    ) -> None:
        self.id = new_id("fc")
        self.input_id = new_id("in")
        self.function = function
        self.input = input_
        self.kind = kind
        self.output: asyncio.Future[api_pb2.FunctionPutOutputsItem] = asyncio.get_running_loop().create_future()
        self.data_in: list[api_pb2.DataChunk] = []
        """The request's body, of a web function."""
        self.data_out: asyncio.Queue[api_pb2.DataChunk] = asyncio.Queue()
        """Its answer."""
        self.changed = asyncio.Event()

    @property
    def has_succeeded(self) -> bool | None:
        """None: it is not over."""
        return self.output.result().result.status == Result.GENERIC_STATUS_SUCCESS if self.output.done() else None

    def item(self) -> api_pb2.FunctionGetInputsItem:
        """As a container gets it."""
        return api_pb2.FunctionGetInputsItem(
            input_id=self.input_id,
            function_call_id=self.id,
            input=self.input,
            function_call_invocation_type=self.kind,
        )

    def send(self, chunk: api_pb2.DataChunk) -> None:
        """To the container."""
        chunk.index = len(self.data_in) + 1
        self.data_in.append(chunk)
        self.changed.set()
        self.changed = asyncio.Event()

    def finish(self, output: api_pb2.FunctionPutOutputsItem) -> None:
        if not self.output.done():
            self.output.set_result(output)

    def end(self, outcome: Outcome) -> None:
        """Without a container."""
        if outcome.error:
            self.fail("FAILURE", outcome.error.splitlines()[-1])
            return
        outcome.effect()
        done = Result(status=Result.GENERIC_STATUS_SUCCESS, data=pickle.dumps(None))
        self.fail("SUCCESS", "", done)

    def fail(self, status: str, why: str, result: Result | None = None) -> None:
        """End it without its container's word."""
        told = result or Result(status=Result.GenericStatus.Value(f"GENERIC_STATUS_{status}"), exception=why)
        now = time.time()
        self.finish(
            api_pb2.FunctionPutOutputsItem(
                input_id=self.input_id,
                result=told,
                output_created_at=now,
                data_format=api_pb2.DATA_FORMAT_PICKLE,
            )
        )
