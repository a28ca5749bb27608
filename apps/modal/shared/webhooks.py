"""Tells a caller's server that a job has ended, signed after the Standard Webhooks specification (1.0.0).

The signature is `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, keyed with the
app's secret. The URL obeys the rules for media: https, public addresses only; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from shared.json_values import JsonObject

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 5.0, 25.0, 125.0)
"""Between five tries: a receiver that restarts is back by then, and an app scaled to zero is not kept up for longer."""
PREFIX = "whsec_"
TRY_SECONDS = 15.0
"""The receiver should store and answer; what takes longer belongs behind its own queue."""


class Webhooks:
    """Deliveries that are under way. Use it from one event loop only."""

    def __init__(self, http: httpx.AsyncClient, secret: str) -> None:
        """`http` must go through `addresses.PublicTransport`."""
        self._http = http
        self._secret = key_of(secret)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, url: str, event: str, payload: JsonObject) -> None:
        """Deliver in the background; `event` identifies it over all tries."""
        body = json.dumps(payload, separators=(",", ":")).encode()
        task = asyncio.create_task(self._deliver(url, event, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, url: str, event: str, body: bytes) -> None:
        for pause in (*RETRY_SECONDS, None):
            if await self._try(url, event, body):
                return
            if pause is not None:
                await asyncio.sleep(pause)
        log.warning("webhook %s was not delivered", event)  # without its URL: it may carry a token

    async def _try(self, url: str, event: str, body: bytes) -> bool:
        """Whether there is nothing more to try: it arrived, or the receiver says it is gone for good."""
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "Webhook-Id": event,
            "Webhook-Timestamp": str(now),
            "Webhook-Signature": sign(self._secret, event, now, body),
        }
        try:
            async with asyncio.timeout(TRY_SECONDS):
                # What the receiver has to say beside the status is not read: it may be without end.
                async with self._http.stream("POST", url, content=body, headers=headers) as response:
                    return response.is_success or response.status_code == httpx.codes.GONE.value
        except (httpx.HTTPError, TimeoutError):
            return False


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for: after `whsec_` they are in base64, as the specification has it."""
    if secret.startswith(PREFIX):
        with contextlib.suppress(ValueError):
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def sign(secret: bytes, event: str, timestamp: int, body: bytes) -> str:
    """The value of `Webhook-Signature`."""
    digest = hmac.new(secret, f"{event}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")
