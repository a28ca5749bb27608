"""The App's side in the forge's own tests: its tokens, a receiver of its webhooks, a clone pushed to by git."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx
import jwt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forge.forge import Forge


def app_client(forge: Forge) -> httpx.Client:
    """REST as the App itself."""
    now = int(time.time())
    token = jwt.encode({"iat": now - 30, "exp": now + 500, "iss": str(forge.app_id)}, forge.private_key, "RS256")
    return httpx.Client(
        base_url=forge.api_url, headers={"authorization": f"Bearer {token}"}, trust_env=False, verify=False
    )


def installation_token(forge: Forge, **narrowed: Any) -> str:
    installation = next(iter(forge.installations.values()))
    with app_client(forge) as client:
        answer = client.post(f"/app/installations/{installation.id}/access_tokens", json=narrowed)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def bot_client(forge: Forge, token: str | None = None) -> httpx.Client:
    """REST as the App's installation."""
    headers = {"authorization": f"token {token or installation_token(forge)}"}
    return httpx.Client(base_url=forge.api_url, headers=headers, trust_env=False, verify=False)


@dataclass
class Pushed:
    code: int
    told: str


@dataclass
class Clone:
    """A working copy of somebody who pushes with a token."""

    folder: Path
    address: str
    token: str = ""

    def git(self, *arguments: str) -> Pushed:
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
        if self.token:
            basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        done = subprocess.run(
            ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Pushed(done.returncode, done.stdout + done.stderr)

    def clone(self) -> Pushed:
        self.folder.mkdir()
        return self.git("clone", "-q", self.address, ".")

    def commit(self, path: str, text: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.git("add", "-A")
        assert self.git("commit", "-q", "-m", f"Change {path}").code == 0

    def push(self, *arguments: str) -> Pushed:
        return self.git("push", "origin", *arguments)


def clone(forge: Forge, folder: Path, token: str = "", full_name: str = "acme/site") -> Clone:
    made = Clone(folder, f"{forge.web_url}/{full_name}.git", token)
    cloned = made.clone()
    assert cloned.code == 0, cloned.told
    return made


@dataclass
class Received:
    event: str
    guid: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes webhooks; answers `status` to each."""

    status: int = 202
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(
                    Received(headers["x-github-event"], headers["x-github-delivery"], headers, body)
                )
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks/github"

    def events(self) -> list[str]:
        return [one.event for one in self.received]
