"""Webhook deliveries: signed, with a GUID, in order of events, logged with the receiver's answer, sent again on request."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.forge.forge import Forge

RECEIVER_TIMEOUT_SECONDS = 10
AT_ONCE = 8


@dataclass(eq=False)
class Delivery:
    """One attempt; attempts of the same event share their GUID."""

    id: int
    guid: str
    event: str
    action: str | None
    payload: dict[str, Any]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool = False
    delivered_at: str = ""
    seconds: float = 0.0
    status: str = (
        "pending"  # as GitHub words it: "OK", "Invalid HTTP Response: 500", "timed out", "failed to connect to host"
    )
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def ok(self) -> bool:
        return self.status == "OK"

    @property
    def pending(self) -> bool:
        return self.status == "pending"


class Webhooks:
    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._client = httpx.Client(timeout=RECEIVER_TIMEOUT_SECONDS, trust_env=False, verify=False)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        self._closing = threading.Event()
        self._held: list[Delivery] = []  # waiting for the next one to go first
        self.deliveries: list[Delivery] = []
        """Every attempt, oldest first."""

    def close(self) -> None:
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def send(
        self, event: str, payload: dict[str, Any], guid: str | None = None, *, redelivery: bool = False
    ) -> Delivery:
        """Queue an event for the App's address, through the faults that were asked for."""
        delivery = Delivery(
            id=self._forge.next_id(),
            guid=guid or str(uuid.uuid4()),
            event=event,
            action=payload.get("action"),
            payload=payload,
            installation_id=(payload.get("installation") or {}).get("id"),
            repository_id=(payload.get("repository") or {}).get("id"),
            redelivery=redelivery,
            delivered_at=self._forge.now(),
        )
        self.deliveries.append(delivery)
        fault = None if redelivery else self._forge.faults.strikes_delivery(event, delivery.action)
        if self._forge.hook_url is None or (fault and fault.kind == "drop"):
            delivery.status = "failed to connect to host"
            return delivery
        if fault and fault.kind == "reorder":
            self._held.append(delivery)
            return delivery
        held, self._held = self._held, []
        self._queue(fault.seconds if fault and fault.kind == "delay" else 0, delivery, *held)
        if fault and fault.kind == "duplicate":
            self._queue(0, delivery)
        return delivery

    def redeliver(self, delivery: Delivery) -> Delivery:
        return self.send(delivery.event, delivery.payload, delivery.guid, redelivery=True)

    def _queue(self, wait_seconds: float, *one_after_the_other: Delivery) -> None:
        if not self._closing.is_set():
            self._threads.submit(self._deliver, wait_seconds, one_after_the_other)

    def _deliver(self, wait_seconds: float, deliveries: tuple[Delivery, ...]) -> None:
        if wait_seconds and self._closing.wait(wait_seconds):
            return
        for delivery in deliveries:
            self._post(delivery)
            self._forge.notify()

    def _post(self, delivery: Delivery) -> None:
        body = json.dumps(delivery.payload).encode()
        delivery.request_headers = self._headers(delivery, body)
        started = time.monotonic()
        try:
            answer = self._client.post(self._forge.hook_url or "", content=body, headers=delivery.request_headers)
        except httpx.TimeoutException:
            delivery.status = "timed out"
        except httpx.HTTPError:
            delivery.status = "failed to connect to host"
        else:
            delivery.status_code = answer.status_code
            delivery.response_headers, delivery.response_body = dict(answer.headers), answer.text[:1000]
            delivery.status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
        delivery.seconds = round(time.monotonic() - started, 3)

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        secret = self._forge.webhook_secret.encode()
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/f0r9eaf",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": "1",
            "X-GitHub-Hook-Installation-Target-ID": str(self._forge.app_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        }
