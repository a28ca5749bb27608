"""Makes an App on GitHub: a person agrees in the browser, GitHub hands over the key.

The browser gets a page of ours, on this machine only, whose one button posts the manifest to GitHub. GitHub shows what
the App may do, and sends the browser back with a code, which is exchanged once for id, key and webhook secret.
Page and code are good only together with a secret in the page's address, so neither another user of this machine nor a
web page can plant an App of its own here.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from githubkit import UnauthAuthStrategy
from jinja2 import Environment
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from github_app.github.app import TIMEOUT_SECONDS
from github_app.github.connection import Connection, OpenGate
from github_app.github.errors import GithubError
from github_app.server.errors import RegistrationFailed
from github_app.server.manifest import manifest
from github_app.server.pages import STYLE
from github_app.server.serving import http_server, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from starlette.requests import Request

AGREE_SECONDS = 3600.0
"""GitHub's code is good for an hour; so is our page."""
START_SECONDS = 10.0
LOOPBACK = "127.0.0.1"

_PAGE = Environment(autoescape=True).from_string("""\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Flowberth</title><style>{{ style }}</style></head>
<body>
<h1>{{ title }}</h1>
<p>{{ text }}</p>
{% if manifest %}<form method="post" action="{{ action }}">
<input type="hidden" name="manifest" value="{{ manifest }}">
<button>Go on to GitHub</button>
</form>
{% endif %}{% if link %}<p><a class="button" href="{{ link }}">Install it</a></p>
{% endif %}</body>
</html>
""")


@dataclass(frozen=True)
class Wanted:
    """What is to be made, and where."""

    github_url: str
    """As people see it, such as `https://github.com`."""
    api_url: str
    public_url: str
    name: str
    organization: str | None = None
    """Whose it will be; `None`: the person's own."""

    @property
    def form_url(self) -> str:
        """Where the manifest is posted to."""
        owner = f"/organizations/{quote(self.organization, safe='')}" if self.organization else ""
        return f"{self.github_url}{owner}/settings/apps/new"


@dataclass(frozen=True)
class Registered:
    """An App that GitHub has made."""

    id: int
    slug: str
    name: str
    url: str
    """Of its public page."""
    install_url: str
    private_key: SecretStr = field(repr=False)
    webhook_secret: SecretStr = field(repr=False)


class Registration:
    """One App being made; `keep` is called with it before the person is told, so that a code is not spent in vain."""

    def __init__(self, wanted: Wanted, address: str, keep: Callable[[Registered], object]) -> None:
        """`address`: of the page's server, such as `http://127.0.0.1:8123`."""
        self._wanted = wanted
        self._keep = keep
        self._secret = secrets.token_urlsafe(32)
        self._state = secrets.token_urlsafe(32)
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._outcome: Registered | Exception | None = None
        self.url = f"{address}/{self._secret}/"
        """What the person opens."""

    def app(self) -> Starlette:
        """The two pages."""
        return Starlette(
            routes=[Route("/{secret}/", self._show), Route("/{secret}/made", self._made)],
        )

    def wait(self, seconds: float = AGREE_SECONDS) -> Registered:
        """The App, once it is made and kept.

        Raises:
            RegistrationFailed: nobody agreed in time, or what GitHub said cannot be used.
        """
        if not self._ended.wait(seconds):
            raise RegistrationFailed(f"nobody made the App within {seconds / 60:.0f} minutes")
        assert self._outcome is not None
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def _show(self, request: Request) -> Response:
        if not self._is_ours(request):
            return _page("Not found", "This page is not here.", status=HTTPStatus.NOT_FOUND)
        if self._ended.is_set():
            return _page("Done already", "Look at the terminal.", status=HTTPStatus.GONE)
        wanted = self._wanted
        document = manifest(
            name=wanted.name,
            public_url=wanted.public_url,
            redirect_url=f"{self.url}made",
        )
        whose = f"the organization {wanted.organization}" if wanted.organization else "your account"
        return _page(
            "Make a GitHub App",
            "GitHub shows what the App may do, and lets you choose its name. "
            f"It will belong to {whose}; its key comes to this machine only.",
            manifest=json.dumps(document),
            action=f"{wanted.form_url}?state={self._state}",
            policy=f"form-action {wanted.github_url}",
        )

    def _made(self, request: Request) -> Response:
        said = request.query_params
        if not self._is_ours(request) or not hmac.compare_digest(said.get("state", "").encode(), self._state.encode()):
            return _page("Not found", "This is no answer to what was asked here.", status=HTTPStatus.NOT_FOUND)
        code = said.get("code", "")
        with self._guard:  # a page that is loaded twice
            if self._outcome is None:
                try:
                    app = self._exchange(code)
                    self._keep(app)
                except (GithubError, RegistrationFailed, OSError) as error:
                    self._outcome = error
                else:
                    self._outcome = app
        self._ended.set()
        if isinstance(self._outcome, Exception):
            return _page("That did not work", str(self._outcome), status=HTTPStatus.BAD_GATEWAY)
        return _page(
            f"{self._outcome.name} is made",
            "Its settings are stored on this machine. Install it where Flowberth is to work.",
            link=self._outcome.install_url,
        )

    def _is_ours(self, request: Request) -> bool:
        return hmac.compare_digest(request.path_params["secret"].encode(), self._secret.encode())

    def _exchange(self, code: str) -> Registered:
        """What GitHub gives for the code, once.

        Raises:
            RegistrationFailed: it gives nothing, or nothing that makes sense.
        """
        connection = Connection(
            UnauthAuthStrategy(),
            api_url=self._wanted.api_url,
            timeout=TIMEOUT_SECONDS,
            verify=httpx.create_ssl_context(),
            gate=OpenGate(),
        )
        try:
            return connection.change(self._registered, connection.rest.apps.create_from_manifest, code)
        except GithubError as error:
            raise RegistrationFailed(
                f"GitHub did not hand over the App: {error}. If it is on your list of Apps, delete it and try again"
            ) from None
        finally:
            connection.close()

    def _registered(self, said: Any) -> Registered:  # noqa: ANN401 - JSON
        return Registered(
            id=int(said["id"]),
            slug=str(said["slug"]),
            name=str(said["name"]),
            url=str(said["html_url"]),
            install_url=f"{said['html_url']}/installations/new",
            private_key=SecretStr(said["pem"]),
            webhook_secret=SecretStr(said["webhook_secret"]),
        )


@contextmanager
def registering(wanted: Wanted, keep: Callable[[Registered], object], *, port: int = 0) -> Generator[Registration]:
    """Serve the pages on this machine.

    Raises:
        CannotServe: the port is taken.
    """
    with listening(LOOPBACK, port) as listener:
        address = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        registration = Registration(wanted, address, keep)
        started = threading.Event()
        server = http_server(registration.app(), listener, lambda _url: started.set())
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="registration")
        thread.start()
        try:
            started.wait(START_SECONDS)
            yield registration
        finally:
            server.should_exit = True
            thread.join()


def _page(
    title: str, text: str, *, status: int = HTTPStatus.OK, policy: str = "form-action 'none'", **more: str
) -> Response:
    content = _PAGE.render(style=STYLE, title=title, text=text, **more)
    rules = f"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; {policy}"
    headers = {"Content-Security-Policy": rules, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return HTMLResponse(content, status, headers)
