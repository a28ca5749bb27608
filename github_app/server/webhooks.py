"""`POST /webhooks/github`: let in what GitHub has signed, put it on record, and say 202.

Nothing is parsed before the signature is known to be right. What a delivery is about is left to the worker; only the
two members that the table has columns for are read.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from codegen.json_values import as_object
from github_app.server.deliveries import Delivery
from github_app.server.errors import NotStored
from github_app.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr
    from starlette.types import ASGIApp, Receive, Scope, Send

    from github_app.server.inbox import Inbox

PATH = "/webhooks/github"
MAX_PAYLOAD_BYTES = 25 * 1024 * 1024
"""GitHub sends nothing larger (https://docs.github.com/webhooks/webhook-events-and-payloads)."""
MAX_BYTES_AT_ONCE = 8 * MAX_PAYLOAD_BYTES
"""Of all payloads in memory: anybody can send something that only turns out not to be signed once it is read."""
RECEIVE_SECONDS = 10.0
"""GitHub itself gives up after ten."""
RETRY_AFTER = {"Retry-After": "60"}
HANG_UP = {"Connection": "close"}
"""What is still to come of the body would be read and thrown away, for as long as its sender likes."""

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Of an event or an action."""
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_MAX_ID = 2**63 - 1
_SIGNED = b"x-hub-signature-256"
_EMPTY = (b"content-length", b"0")

log = logging.getLogger(__name__)


class _Envelope(BaseModel):
    """All that is read of a payload here; whatever else it holds is skipped without being built."""

    action: Any = None
    installation: Any = None


class Webhook:
    """The endpoint, in front of the rest of the application: what lies before it is paid for by every delivery.

    Only refusals are noted in the log; what was accepted is in the table.
    """

    def __init__(self, app: ASGIApp, *, secret: SecretStr, inbox: Inbox) -> None:
        self._app = app
        self._secret = secret.get_secret_value().encode()
        self._inbox = inbox
        self._bytes_in_memory = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 202 once the delivery is on record, or a problem; pass on what is for another path."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        try:
            await self._take(scope, receive)
        except Problem as problem:
            log.info("refused with %d: %s", problem.status, problem)
            await problem.answer()(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": HTTPStatus.ACCEPTED, "headers": [_EMPTY]})
            await send({"type": "http.response.body"})

    async def _take(self, scope: Scope, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "webhooks are posted", headers={"Allow": "POST"})
        given: list[tuple[bytes, bytes]] = scope["headers"]
        # The parser leaves the spaces behind a value to us.
        headers = {name: value.decode("latin-1").rstrip(" \t") for name, value in given}
        guid, event = _said(headers)
        signature = _signature(headers, given)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                await self._read(chunks, receive)
            payload = b"".join(chunks)
            if not hmac.compare_digest(hmac.digest(self._secret, payload, "sha256").hex(), signature):
                raise Problem(HTTPStatus.UNAUTHORIZED, _WRONG_SIGNATURE)
            action, installation = _about(payload)
            await self._inbox.store(Delivery(guid, event, action, installation, payload))
        except TimeoutError:
            detail = f"the body did not come within {RECEIVE_SECONDS:.0f} s"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail, headers=HANG_UP) from None
        except NotStored:
            # GitHub records the failure, and the sweep brings the delivery once the database is back.
            detail = "the delivery cannot be put on record now"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_AFTER) from None
        finally:
            self._bytes_in_memory -= sum(map(len, chunks))

    async def _read(self, chunks: list[bytes], receive: Receive) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem(HTTPStatus.BAD_REQUEST, "the connection was closed before the end of the body")
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            self._bytes_in_memory += len(chunk)
            if size > MAX_PAYLOAD_BYTES:
                raise _too_large()
            if self._bytes_in_memory > MAX_BYTES_AT_ONCE:
                detail = "too much is being sent at once"
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_AFTER | HANG_UP)
            more = message.get("more_body", False)


_WRONG_SIGNATURE = "the signature is not that of this body: is FLOWBERTH_GITHUB_WEBHOOK_SECRET the secret of the App?"


def _said(headers: Mapping[bytes, str]) -> tuple[str, str]:
    """GUID and event, if the request looks as GitHub's do."""
    try:
        if int(headers.get(b"content-length", 0)) > MAX_PAYLOAD_BYTES:
            raise _too_large()
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "Content-Length is no number") from None
    content_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "payloads are taken as application/json only: choose that content type in the settings of the webhook",
        )
    guid = headers.get(b"x-github-delivery", "")
    if _GUID.fullmatch(guid) is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "X-GitHub-Delivery must be a GUID")
    event = headers.get(b"x-github-event", "")
    if _NAME.fullmatch(event) is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "X-GitHub-Event must be the name of an event")
    return guid.lower(), event


def _signature(headers: Mapping[bytes, str], given: list[tuple[bytes, bytes]]) -> str:
    """The digest that is claimed. `X-Hub-Signature` (SHA-1), which GitHub still sends along, counts for nothing."""
    claimed = headers.get(_SIGNED)
    if claimed is None:
        detail = "X-Hub-Signature-256 is missing: set a secret in the settings of the webhook"
        raise Problem(HTTPStatus.UNAUTHORIZED, detail)
    once = [name for name, _ in given].count(_SIGNED) == 1
    if not once or _SIGNATURE.fullmatch(claimed) is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "X-Hub-Signature-256 must be `sha256=` and 64 hexadecimal digits")
    return claimed.removeprefix("sha256=")


def _about(payload: bytes) -> tuple[str | None, int | None]:
    """Action and installation, where the payload has them in the form that GitHub gives them."""
    try:
        envelope = _Envelope.model_validate_json(payload)
    except ValidationError:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON object") from None
    action, installation = envelope.action, envelope.installation
    number = as_object(installation).get("id")
    return (
        action if isinstance(action, str) and _NAME.fullmatch(action) else None,
        number if type(number) is int and 0 < number <= _MAX_ID else None,
    )


def _too_large() -> Problem:
    detail = f"a payload may have {MAX_PAYLOAD_BYTES:,} bytes"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=HANG_UP)
