"""Git over real smart HTTP: `git http-backend` behind a check of the token, and nothing more."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@dataclass
class GitServer:
    """Repositories below `root`, for whoever has one of the tokens. `requests` is all that was asked."""

    root: Path
    address: str = ""
    tokens: set[str] = field(default_factory=lambda: {"ghs_right"})
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path with query, Authorization header."""
    instead: Callable[[str], tuple[int, dict[str, str], str] | None] = lambda _path: None
    """What to answer to a path instead of letting git answer."""
    answers_lost: bool = False
    """Git does what was asked for by POST, and nobody hears of it."""

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        git, header = self.server.git, self.headers.get("Authorization", "")
        git.requests.append((self.command, self.path, header))
        token = base64.b64decode(header.removeprefix("Basic ")).decode().removeprefix("x-access-token:")
        path, _, query = self.path.partition("?")
        if (instead := git.instead(self.path)) is not None:
            self._say(instead[0], instead[1], instead[2].encode())
        elif token not in git.tokens:
            self._say(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"Bad credentials")
        elif not (git.root / path.strip("/").split(".git/")[0]).with_suffix(".git").exists():
            self._say(404, {"Content-Type": "text/plain"}, b"Repository not found.")
        else:
            self._git(path, query, body)

    def _git(self, path: str, query: str, body: bytes) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "x-access-token",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        if self.server.git.answers_lost and self.command == "POST":
            self._say(502, {}, b"")
            return
        self._say(int(headers.pop("Status", "200").split()[0]), headers, answer)

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # who asked has given up
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    git: GitServer
    daemon_threads = True
    request_queue_size = 100


@contextmanager
def serving(root: Path) -> Generator[GitServer]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.git = GitServer(root, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.git
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
