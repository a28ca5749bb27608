"""ComfyUI's HTTP and WebSocket protocol, as a client.

Facts from ComfyUI's server.py, main.py and execution.py (0.3.64 to 0.33.0): `POST /prompt` answers 400 with
`{"error", "node_errors"}` or 200 with `{"prompt_id", "number", "node_errors"}`; a 200 with non-empty `node_errors` runs
only the outputs that were valid. The socket sends `{"type", "data"}` as text and previews as binary frames, which
it makes only when `extra_data.preview_method` asks for them or it was started so. A prompt
has ended when `/history/{id}` has it, which is announced by `executing` with `node: null`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from shared.json_values import JsonObject, as_list, as_object, is_object, loads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""ComfyUI answers while it computes, from another thread; 30 s covers a Python that holds the GIL while it loads."""
HEALTH_SECONDS = 5.0
"""`/health` must answer within a load balancer's patience."""
PREVIEW_IMAGE = (1).to_bytes(4)
PREVIEW_FORMATS = {1: "image/jpeg", 2: "image/png"}
CLOSE_SECONDS = 1.0
"""For the answer to our closing of the socket; a ComfyUI too busy to answer must not hold the job's end up."""
MAX_EVENT_BYTES = 64 * 1024 * 1024
"""A preview frame or an `executed` event with a long text; ComfyUI sets no limit of its own."""


class ComfyError(Exception):
    """Base of what this client raises."""


class EngineUnreachable(ComfyError):  # noqa: N818 - reads as the sentence that is shown
    """No answer, or the connection broke."""


class UnexpectedAnswer(ComfyError):  # noqa: N818
    """An answer that is not ComfyUI's."""


class NodeFault(BaseModel):
    """One entry of `node_errors`, without the stack traces that ComfyUI puts into `extra_info`."""

    model_config = ConfigDict(frozen=True)

    node: str
    class_type: str
    type: str
    message: str
    details: str
    input_name: str | None


class PromptRejected(ComfyError):  # noqa: N818
    """`/prompt` refused the prompt, or a part of it."""

    def __init__(self, type_: str, message: str, faults: tuple[NodeFault, ...]) -> None:
        super().__init__(message)
        self.type = type_
        self.faults = faults


class NodeFailed(ComfyError):  # noqa: N818
    """A node raised while it ran."""

    def __init__(self, message: str, *, exception: str, node: str, class_type: str) -> None:
        super().__init__(message)
        self.exception = exception
        self.node = node
        self.class_type = class_type


class Interrupted(ComfyError):  # noqa: N818
    """Somebody interrupted the prompt."""


class StoredFile(BaseModel):
    """A file in one of ComfyUI's folders, as `/history` names it and `/view` takes it."""

    model_config = ConfigDict(frozen=True)

    filename: str
    subfolder: str = ""
    type: str = "output"


class PreviewFrame(BaseModel):
    """A small picture of what is being made."""

    model_config = ConfigDict(frozen=True)

    media_type: str
    image: bytes


class EngineFacts(BaseModel):
    """What `/system_stats` says of the engine."""

    model_config = ConfigDict(frozen=True)

    engine: str
    """`comfyui`, or `stand-in` for the one that only simulates models."""
    version: str


def engine_client() -> httpx.AsyncClient:
    """The HTTP client that `ComfyClient` shares; whoever makes it closes it."""
    return httpx.AsyncClient(trust_env=False, timeout=TIMEOUT)


class ComfyClient:
    """One ComfyUI."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url

    async def facts(self) -> EngineFacts:
        """Ask what it is; quick, as `/health` needs it."""
        answer = await self._json("GET", "/system_stats", timeout=HEALTH_SECONDS)
        facts = as_object(answer.get("system"))
        if not facts:
            raise UnexpectedAnswer("/system_stats has no `system`")
        return EngineFacts(
            engine="stand-in" if facts.get("flowberth_stand_in") else "comfyui",
            version=str(facts.get("comfyui_version") or "unknown"),
        )

    async def has_class(self, class_type: str) -> bool:
        """Whether a node class is registered."""
        return bool(await self._json("GET", f"/object_info/{quote(class_type, safe='')}"))

    async def submit(
        self, prompt: JsonObject, client_id: str, *, previews: bool, partner_key: str | None = None
    ) -> str:
        """Queue a prompt and return its id. Versions that know no `preview_method` per prompt send no previews.

        ComfyUI hands `partner_key` to nodes that ask for it, and to no other (execution.py, `get_input_data`).

        Raises:
            PromptRejected: it was refused, wholly or in part; a part that was accepted has been taken out again.
        """
        data = {"preview_method": "auto"} if previews else {}
        data |= {"api_key_comfy_org": partner_key} if partner_key else {}
        extra = {"extra_data": data} if data else {}
        response = await self._request("POST", "/prompt", json={"prompt": prompt, "client_id": client_id, **extra})
        try:
            body = as_object(loads(response.text))
        except ValueError:
            raise UnexpectedAnswer(f"/prompt answered {response.status_code} without JSON") from None
        if response.status_code != HTTPStatus.OK:
            error = as_object(body.get("error"))
            message = ": ".join(str(error[key]).rstrip(".") for key in ("message", "details") if error.get(key))
            raise PromptRejected(
                str(error.get("type") or "unknown"), message or "ComfyUI refused the prompt", _node_faults(body)
            )
        faults = _node_faults(body)
        prompt_id = body.get("prompt_id")
        if not isinstance(prompt_id, str):
            raise UnexpectedAnswer("/prompt answered without a prompt_id")
        if faults:
            await self.cancel(prompt_id)
            raise PromptRejected("node_errors", "ComfyUI would run only a part of the workflow", faults)
        return prompt_id

    async def cancel(self, prompt_id: str) -> None:
        """Take a prompt out of the queue, or interrupt it if it runs."""
        await self._request("POST", "/queue", json={"delete": [prompt_id]})
        # Versions before 0.3.56 ignore the id and interrupt whatever runs; the worker submits one prompt at a time.
        await self._request("POST", "/interrupt", json={"prompt_id": prompt_id})

    async def history(self, prompt_id: str) -> JsonObject | None:
        """The entry of a prompt that has ended, else `None`."""
        return (await self._json("GET", f"/history/{prompt_id}")).get(prompt_id)

    async def upload(self, path: Path, name: str) -> str:
        """Put a file into ComfyUI's input folder and return the name that loader nodes take."""
        with path.open("rb") as file:
            answer = await self._json(
                "POST",
                "/upload/image",
                files={"image": (name, file, "application/octet-stream")},
                data={"type": "input", "overwrite": "true"},
            )
        stored = answer.get("name")
        if not isinstance(stored, str):
            raise UnexpectedAnswer("/upload/image answered without a name")
        subfolder = answer.get("subfolder")
        return f"{subfolder}/{stored}" if subfolder else stored

    async def download(self, file: StoredFile, path: Path) -> int:
        """Write one output to `path` and return its size in bytes."""
        size = 0
        try:
            async with self._http.stream("GET", f"{self._url}/view", params=file.model_dump()) as response:
                if response.status_code != HTTPStatus.OK:
                    raise UnexpectedAnswer(f"/view answered {response.status_code} for an output")
                with path.open("wb") as target:
                    async for chunk in response.aiter_bytes(1 << 20):
                        size += target.write(chunk)
        except httpx.HTTPError as error:
            raise EngineUnreachable(_words(error)) from error
        return size

    @asynccontextmanager
    async def events(self, client_id: str) -> AsyncGenerator[AsyncIterator[JsonObject | PreviewFrame]]:
        """Open the event socket; it is open when the body of the `async with` starts."""
        url = f"{self._url.replace('http', 'ws', 1)}/ws?clientId={client_id}"
        try:
            # without a limit of frames: once one is reached nothing is read, not even the answer to our closing
            socket = await connect(
                url,
                proxy=None,
                compression=None,
                max_size=MAX_EVENT_BYTES,
                max_queue=None,
                close_timeout=CLOSE_SECONDS,
            )
        except (OSError, WebSocketException) as error:
            raise EngineUnreachable(_words(error)) from error
        try:
            yield _parsed(socket)
        finally:
            await socket.close()

    async def _json(self, method: str, path: str, **arguments: Any) -> JsonObject:  # noqa: ANN401 - httpx's own
        response = await self._request(method, path, **arguments)
        if response.status_code != HTTPStatus.OK:
            raise UnexpectedAnswer(f"{path} answered {response.status_code}")
        try:
            body = loads(response.text)
        except ValueError:
            body = None
        if not is_object(body):
            raise UnexpectedAnswer(f"{path} did not answer a JSON object")
        return body

    async def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        try:
            return await self._http.request(method, self._url + path, **arguments)
        except httpx.HTTPError as error:
            raise EngineUnreachable(_words(error)) from error


async def _parsed(socket: ClientConnection) -> AsyncIterator[JsonObject | PreviewFrame]:
    try:
        async for frame in socket:
            if isinstance(frame, str):
                event = loads(frame)
                yield as_object(event)
            elif preview := _preview(frame):
                yield preview
    except (OSError, WebSocketException) as error:
        raise EngineUnreachable(_words(error)) from error
    except ValueError as error:
        raise UnexpectedAnswer("the event socket sent something that is not JSON") from error


def _preview(frame: bytes) -> PreviewFrame | None:
    """A binary frame is two big-endian words, what it is and in which format, and the picture (`server.py`)."""
    what, form = frame[:4], int.from_bytes(frame[4:8])
    if what != PREVIEW_IMAGE or form not in PREVIEW_FORMATS:
        return None
    return PreviewFrame(media_type=PREVIEW_FORMATS[form], image=frame[8:])


def _node_faults(body: JsonObject) -> tuple[NodeFault, ...]:
    return tuple(
        NodeFault(
            node=node,
            class_type=str(as_object(entry).get("class_type") or ""),
            type=str(error.get("type") or ""),
            message=str(error.get("message") or ""),
            details=str(error.get("details") or ""),
            input_name=str(as_object(error.get("extra_info")).get("input_name") or "") or None,
        )
        for node, entry in as_object(body.get("node_errors")).items()
        for error in map(as_object, as_list(as_object(entry).get("errors")) or [{}])
    )


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
