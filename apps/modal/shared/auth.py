"""A bearer key in front of the app, for those who do not use Modal's own proxy authentication."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from shared.problems import Unauthorized, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = ("/playground", "/docs")
"""They say nothing of the workflow and ask for the key themselves."""
ASSETS = "/assets/"
"""What the pages load."""
HEALTH = "/health"
"""Open by setting, for load balancers."""


class BearerKey:
    """ASGI middleware that lets requests through which carry the key."""

    def __init__(self, app: ASGIApp, key: str, *, health_open: bool) -> None:
        self._app = app
        self._wanted = _digest(key)
        self._open = (*PAGES, HEALTH) if health_open else PAGES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        if scope["type"] != "http" or self._lets_through(scope):
            await self._app(scope, receive, send)
            return
        await problem_response(Unauthorized("The request carries no valid key."))(scope, receive, send)

    def _lets_through(self, scope: Scope) -> bool:
        if scope["path"] in self._open or scope["path"].startswith(ASSETS):
            return True
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(_digest(key.strip()), self._wanted)


def _digest(key: str) -> bytes:
    # Digests have one length, and take any characters: compare_digest tells nothing of the key.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
