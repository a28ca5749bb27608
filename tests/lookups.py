"""Hugging Face, Civitai, GitHub and the Comfy registry on one local port, as far as lookups ask them.

Answers are set by path; each is given with an ETag, and a question that already has it is told that nothing changed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True)
class Answer:
    """What is answered, to GET and HEAD alike."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One question as it came in."""

    method: str
    path: str
    token: str | None
    answered: int


class Internet:
    """What there is to find out."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> None:
        """Set the answer of a path, query included; a second one is given from the second question on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append(Answer(body, status, named))

    def repository(self, name: str, *, commit: str = "c" * 40, branch: str = "main", **facts: Any) -> None:
        """A repository on GitHub, whose newest commit is that."""
        self.answer(f"/repos/{name}", {"full_name": name, "default_branch": branch, "archived": False} | facts)
        self.answer(f"/repos/{name}/commits/{branch}", {"sha": commit})

    def take(self, path: str) -> Answer:
        """The answer that is due."""
        answers = self.answers.get(path) or [Answer({"message": "Not Found"}, 404)]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{one.method} {one.path}" for one in self.asked]


@contextmanager
def internet() -> Generator[Internet]:
    """A new one, for a while."""
    world = Internet()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = world.take(self.path)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            known = self.headers.get("If-None-Match") == etag and answer.status == 200
            status = 304 if known else answer.status
            world.asked.append(Asked(self.command, self.path, self.headers.get("Authorization"), status))
            self.send_response(status)
            for name, value in {"ETag": etag, "Cache-Control": "no-cache", **answer.headers}.items():
                self.send_header(name, value)
            if not known:
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
            self.end_headers()
            if self.command == "GET" and not known:
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
