"""A stand-in for the Messages API: real HTTP, answers as scripted, every request on record."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"input_tokens": 9000, "output_tokens": 400, "cache_read_input_tokens": 3000, "cache_creation_input_tokens": 0}


@dataclass
class Reply:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    """The connection ends after the request was read."""
    hold: bool = False
    """The answer does not come for as long as the test goes on."""


def message(*content: Any, stop_reason: str = "tool_use", usage: Any = USAGE, **other: Any) -> Reply:
    return Reply(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "content": list(content),
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
            **other,
        }
    )


def call(patch: Any, name: str = "propose_patch") -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": patch}


def proposes(*changes: dict[str, Any], because: str = "it is missing") -> Reply:
    return message(call({"changes": list(changes), "because": because}))


def says(text: str) -> Reply:
    return message({"type": "text", "text": text}, stop_reason="end_turn")


def error(status: int, kind: str = "api_error", text: str = "no", **headers: str) -> Reply:
    return Reply({"type": "error", "error": {"type": kind, "message": text}}, status, headers)


class Api:
    """Answers each request with the next reply; the last one stays."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.waited: list[float] = []
        """Seconds that its clients have waited, in their own time."""
        self.over = threading.Event()
        self.asked = threading.Event()
        """There was a request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def forget(self) -> None:
        for each in (self.replies, self.requests, self.raw, self.headers, self.waited):
            each.clear()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.path == "/v1/messages"
                api.raw.append(body)
                api.requests.append(json.loads(body))
                api.headers.append({name.lower(): value for name, value in self.headers.items()})
                api.asked.set()
                reply = api._next()
                if reply.hold:
                    api.over.wait()
                if reply.drop or reply.hold:
                    self.close_connection = True
                    return
                data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
