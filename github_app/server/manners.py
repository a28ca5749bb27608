"""What every answer has, and what is noted of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The one page has a style in its head and nothing else: no scripts, frames, pictures or forms."""
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
UNNOTED = ("/healthz", "/readyz")
"""Asked for every few seconds by whoever watches us."""
MAX_PATH_CHARACTERS = 200

log = logging.getLogger("github_app.access")


class Manners:
    """Adds the security headers, and writes one line for each request. Never the query, which may hold a secret."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = [*HEADERS, HTTPS_ONLY] if https else [*HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                ours = {name for name, _ in self._headers}
                given = [header for header in message.get("headers", ()) if header[0] not in ours]
                message["headers"] = [*given, *self._headers]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            if scope["path"] not in UNNOTED and log.isEnabledFor(logging.INFO):
                # As it was sent: percent-encoded, so that no letter in it can pretend to be a line of its own.
                path = scope["raw_path"].decode("ascii", "backslashreplace")[:MAX_PATH_CHARACTERS]
                milliseconds = (time.perf_counter() - started) * 1000
                log.info("%s %s %d %.1f ms", scope["method"], path, status, milliseconds)
