"""The server in this process, and what GitHub does with it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from github_app.server.application import create_app
from github_app.server.serving import http_server, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from github_app.settings import Settings
    from runner.database import Database

SECRET = "It's a Secret to Everybody"
PAYLOAD = json.dumps({"action": "opened", "installation": {"id": 7}, "issue": {"number": 1, "title": "ü"}}).encode()
PATIENCE_SECONDS = 30


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def guid() -> str:
    return str(uuid.uuid4())


def headers(payload: bytes = PAYLOAD, *, secret: str = SECRET, event: str = "issues", **more: str) -> dict[str, str]:
    """As GitHub sends them; `more` by names with underscores, an empty one to leave it out."""
    key = secret.encode()
    said = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/f0r9eaf",
        "x-github-event": event,
        "x-github-delivery": guid(),
        "x-github-hook-id": "1",
        "x-hub-signature": "sha1=" + hmac.new(key, payload, hashlib.sha1).hexdigest(),
        "x-hub-signature-256": "sha256=" + hmac.new(key, payload, hashlib.sha256).hexdigest(),
    }
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value for name, value in said.items() if value}


class GitHub:
    """Sends webhooks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False)

    def sends(self, payload: bytes = PAYLOAD, said: Mapping[str, str] | None = None, **more: str) -> httpx.Response:
        return self.http.post("/webhooks/github", content=payload, headers=said or headers(payload, **more))

    def close(self) -> None:
        self.http.close()


@contextmanager
def serving(settings: Settings, database: Database) -> Generator[GitHub]:
    """The server on a free port, in a thread, by the code that `flowberth serve` runs."""
    ready: list[str] = []
    started = threading.Event()

    def on_ready(url: str) -> None:
        ready.append(url)
        started.set()

    with listening("127.0.0.1", 0) as listener:
        server = http_server(create_app(settings, database), listener, on_ready)
        thread = threading.Thread(
            target=lambda: server.run_in_this_thread(server.serve(sockets=[listener])), name="server"
        )
        thread.start()
        assert started.wait(PATIENCE_SECONDS)
        github = GitHub(ready[0])
        try:
            yield github
        finally:
            github.close()
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)
    return value
