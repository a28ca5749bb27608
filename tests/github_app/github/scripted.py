"""A server that answers what a test tells it to: for what the stand-in for GitHub never says."""

from __future__ import annotations

import json
import secrets
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from github_app.github.app import GithubApp
from runner.model import GithubRepository

if TYPE_CHECKING:
    from github_app.github.pace import Pace
    from github_app.github.repository import RepositoryApi

Said = tuple[int, dict[str, str], Any]


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


class ScriptedGithub:
    """Repository 7 is acme/site, of an installation of its own; issue 1 is open there."""

    def __init__(self, pace: Pace) -> None:
        self.installation = secrets.randbelow(10**9)
        self.answers: dict[str, list[Said]] = {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        """ "METHOD path", headers in lower case, and the body."""
        self.token_life = timedelta(hours=1)
        self.tokens: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                what = f"{self.command} {self.path}"
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append((what, headers, json.loads(body) if body else None))
                status, more, said = server.answer(what)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("content-length", str(len(data)))
                self.end_headers()
                if status != 304:
                    self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.app = GithubApp(
            api_url=f"{self.url}/api/v3",
            app_id=12,
            private_key=SecretStr(private_key()),
            pace=pace,
            timeout=2.0,
        )
        self.say("GET /app", {"slug": "flowberth"})
        self.say("GET /repositories/7", self.repository("acme/site"))

    def say(self, what: str, said: Any, status: int = 200, **headers: str) -> None:
        """From now on, `what` ("METHOD path") is answered so; said several times: one after the other, then the last."""
        answer = (status, {name.replace("_", "-"): value for name, value in headers.items()}, said)
        self.answers.setdefault(what, []).append(answer)

    def answer(self, what: str) -> Said:
        what = what.replace(" /api/v3", " ")
        if what.endswith("/access_tokens"):
            self.tokens.append(f"ghs_{secrets.token_hex(20)}")
            expires_at = (datetime.now(UTC) + self.token_life).strftime("%Y-%m-%dT%H:%M:%SZ")
            return 201, {}, {"token": self.tokens[-1], "expires_at": expires_at}
        known = self.answers.get(what) or self.answers.get(what.partition("?")[0])
        if not known:
            return 404, {}, {"message": "Not Found"}
        return known.pop(0) if len(known) > 1 else known[0]

    def requests(self, what: str) -> int:
        return sum(what in one.replace(" /api/v3", " ") for one, _, _ in self.asked)

    @property
    def site(self) -> RepositoryApi:
        reference = GithubRepository(installation=self.installation, id=7, full_name="acme/site")
        return self.app.installation(self.installation).repository(reference)

    @staticmethod
    def repository(full_name: str) -> dict[str, object]:
        page = f"https://github.example/{full_name}"
        facts = {"id": 7, "full_name": full_name, "default_branch": "main", "private": True}
        return facts | {"html_url": page, "clone_url": f"{page}.git"}

    @staticmethod
    def comment(body: str, login: str = "flowberth[bot]") -> dict[str, object]:
        page = "https://github.example/acme/site/issues/1#issuecomment-5"
        user = {"login": login, "type": "Bot"}
        return {
            "id": 5,
            "body": body,
            "user": user,
            "html_url": page,
            "node_id": "IC_5",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.app.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
