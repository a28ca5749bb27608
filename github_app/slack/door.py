"""`POST /webhooks/slack/…`: let in what Slack has signed, put it on record, and answer within three seconds.

    events         the Events API: a workflow that somebody has uploaded or pasted
    commands       `/deploy-workflow URL`
    interactions   a click on a button: they are links, so nothing is left to do

Nothing is parsed before the signature is known to be right (https://docs.slack.dev/authentication/verifying-requests-from-slack).
Slack sends again what was not answered, up to three times; the key of what is asked for is the same then.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from codegen.errors import MalformedJson
from codegen.json_values import is_object
from codegen.strict_json import loads
from github_app.server.deliveries import Delivery
from github_app.server.errors import NotStored
from github_app.server.problems import Problem
from github_app.slack.requests import EVENT, asked_by_command, asked_by_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import FastAPI
    from pydantic import SecretStr

    from github_app.server.inbox import Inbox
    from github_app.slack.requests import Asked
    from github_app.submissions.site import Site

PATH: Final = "/webhooks/slack"
MAX_BODY_BYTES: Final = 1024 * 1024
"""A message has 40,000 characters at most; it comes as text and as blocks, and with its files."""
MAX_BYTES_AT_ONCE: Final = 64 * MAX_BODY_BYTES
"""Of all bodies in memory: anybody can send something that only turns out not to be signed once it is read."""
RECEIVE_SECONDS: Final = 5.0
STORE_SECONDS: Final = 2.5
"""Slack waits for three, and sends again."""
MAX_FIELDS: Final = 50
NO_RETRY: Final = {"X-Slack-No-Retry": "1"}
_TIMESTAMP = re.compile(r"\d{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_CHALLENGE = re.compile(r"[\w.-]{1,200}", re.ASCII)

log = logging.getLogger(__name__)


class SlackDoor:
    """One per HTTP process."""

    def __init__(self, secret: SecretStr, channels: Mapping[str, str], site: Site, inbox: Inbox) -> None:
        """`channels`: `owner/name` by id of the channel."""
        from slack_sdk.signature import SignatureVerifier  # noqa: PLC0415 - half a second, for those who use Slack

        self._verifier = SignatureVerifier(secret.get_secret_value())
        self._channels = channels
        self._site = site
        self._inbox = inbox
        self._bytes_in_memory = 0

    def open(self, app: FastAPI) -> None:
        """Answer at the three addresses."""
        for name, take in (("events", self._event), ("commands", self._command), ("interactions", self._click)):
            app.add_api_route(f"{PATH}/{name}", self._endpoint(take), methods=["POST"], include_in_schema=False)

    def _endpoint(self, take: Callable[[bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await take(await self._signed_body(request))
            except Problem as problem:
                log.info("refused with %d: %s", problem.status, problem)
                return problem.answer()

        return endpoint

    async def _event(self, body: bytes) -> Response:
        try:
            said = loads(body)
        except MalformedJson:
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON", headers=NO_RETRY) from None
        if not is_object(said):
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON object", headers=NO_RETRY)
        challenge = said.get("challenge")
        if said.get("type") == "url_verification" and isinstance(challenge, str) and _CHALLENGE.fullmatch(challenge):
            return PlainTextResponse(challenge)
        for asked in asked_by_event(said, self._channels):
            await self._keep(asked)
        return Response()

    async def _command(self, body: bytes) -> Response:
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is no form", headers=NO_RETRY) from None
        if form.get("ssl_check") == "1":
            return Response()
        answer = asked_by_command(form, self._channels, self._site, time.time())
        if answer.asked is not None:
            await self._keep(answer.asked)
        return JSONResponse({"response_type": "ephemeral", "text": answer.text})

    async def _click(self, body: bytes) -> Response:
        del body
        return Response()

    async def _keep(self, asked: Asked) -> None:
        payload = asked.model_dump_json().encode()
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self._inbox.store(Delivery(asked.key, EVENT, None, None, payload))
        except (NotStored, TimeoutError):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "this cannot be put on record now") from None

    async def _signed_body(self, request: Request) -> bytes:
        """The body, if Slack has signed it within the last five minutes."""
        timestamp, signature = _claimed(request)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                await self._read(request, chunks)
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from None
        finally:
            self._bytes_in_memory -= sum(map(len, chunks))
        body = b"".join(chunks)
        try:
            valid = self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:
            valid = False
        if not valid:
            detail = "not signed by Slack within five minutes: is FLOWBERTH_SLACK_SIGNING_SECRET that of the app?"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail)
        return body

    async def _read(self, request: Request, chunks: list[bytes]) -> None:
        size = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            self._bytes_in_memory += len(chunk)
            if size > MAX_BODY_BYTES:
                detail = f"a body may have {MAX_BODY_BYTES:,} bytes"
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=NO_RETRY | {"Connection": "close"})
            if self._bytes_in_memory > MAX_BYTES_AT_ONCE:
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too much is being sent at once")


def _claimed(request: Request) -> tuple[str, str]:
    """Time and signature, if they look as Slack's do, each there once."""
    timestamps = request.headers.getlist("x-slack-request-timestamp")
    signatures = request.headers.getlist("x-slack-signature")
    if len(timestamps) != 1 or len(signatures) != 1:
        raise Problem(HTTPStatus.UNAUTHORIZED, "X-Slack-Request-Timestamp and X-Slack-Signature must be there once")
    if not _TIMESTAMP.fullmatch(timestamps[0]) or not _SIGNATURE.fullmatch(signatures[0]):
        raise Problem(HTTPStatus.UNAUTHORIZED, "X-Slack-Signature must be `v0=` and 64 hexadecimal digits")
    return timestamps[0], signatures[0]
