"""The App itself: who it is, where it is installed, and what GitHub tried to tell it."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from github_app.github.connection import PAGE, Connection, OpenGate, nothing, parsed
from github_app.github.credentials import AppAuth, InstallationAuth, Tokens
from github_app.github.installation import Installation
from github_app.github.model import DeliveredEvent, HookDelivery, InstallationInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from githubkit.auth import BaseAuthStrategy
    from pydantic import SecretStr

    from github_app.github.connection import Gate
    from github_app.github.pace import Pace

TIMEOUT_SECONDS = 20.0
"""For each of connecting, sending and reading of a request: GitHub itself gives up after ten."""
MAX_DELIVERIES = 10_000
"""Looked through at once: more than GitHub keeps for all but the busiest Apps."""


class GithubApp:
    """One per process; safe to use from several threads.

    All methods, here and on what it gives, may raise the errors of `github_app.github.errors`, and
    `runner.errors.DatabaseUnavailable`: the pace is kept there.
    """

    def __init__(
        self,
        *,
        api_url: str,
        app_id: int,
        private_key: SecretStr,
        pace: Pace,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """`api_url`: `https://api.github.com`, or `https://host/api/v3` of a GitHub Enterprise Server."""
        self.app_id = app_id
        self._api_url = api_url
        self._pace = pace
        self._timeout = timeout
        self._verify = httpx.create_ssl_context()
        self._app = self._connect(AppAuth(app_id, private_key), OpenGate())
        self._installations: dict[int, Installation] = {}
        self._guard = threading.Lock()

    @cached_property
    def bot_login(self) -> str:
        """Login under which the App writes: `<slug>[bot]`. Asked once."""
        return self._app.read(lambda said: f"{said['slug']}[bot]", self._app.rest.apps.get_authenticated)

    def installation(self, installation: int) -> Installation:
        """One of its installations; nothing is asked yet."""
        with self._guard:
            known = self._installations.get(installation)
            if known is None:
                tokens = Tokens(self._app, installation)
                connection = self._connect(InstallationAuth(tokens), self._pace.gate(installation))
                known = Installation(installation, app=self, connection=connection, tokens=tokens, turn=self._pace.turn)
                self._installations[installation] = known
            return known

    def installation_info(self, installation: int) -> InstallationInfo:
        """Its account, permissions and whether it is suspended, as of now.

        Raises:
            NotFound: the App is not installed there (any more).
        """
        return self._app.read(_info_of, self._app.rest.apps.get_installation, installation)

    def installations(self) -> tuple[InstallationInfo, ...]:
        """Where the App is installed, suspended ones too."""
        return tuple(self._app.pages(_info_of, self._app.rest.apps.list_installations))

    def hook_deliveries(self, since: datetime) -> Iterator[HookDelivery]:
        """What GitHub has tried to deliver since then, newest first; asked page by page, as it is consumed."""
        cursor: dict[str, Any] = {}
        for _ in range(MAX_DELIVERIES // PAGE):
            answer = self._app.answer(self._app.rest.apps.list_webhook_deliveries, per_page=PAGE, **cursor)
            for delivery in parsed(lambda said: [_delivery_of(one) for one in said], answer.json()):
                if delivery.delivered_at < since:
                    return
                yield delivery
            following = parse_qs(urlsplit(answer.links.get("next", "")).query).get("cursor")
            if not following:
                return
            cursor = {"cursor": following[0]}

    def delivery(self, delivery: int) -> DeliveredEvent:
        """One of them, with headers and payload."""
        return self._app.read(_delivered_of, self._app.rest.apps.get_webhook_delivery, delivery)

    def redeliver(self, delivery: int) -> None:
        """Ask GitHub to send it again, under the same GUID."""
        self._app.change(nothing, self._app.rest.apps.redeliver_webhook_delivery, delivery)

    def close(self) -> None:
        """Close its connections."""
        with self._guard:
            for installation in self._installations.values():
                installation.connection.close()
            self._installations.clear()
        self._app.close()

    def _connect(self, auth: BaseAuthStrategy, gate: Gate) -> Connection:
        return Connection(auth, api_url=self._api_url, timeout=self._timeout, verify=self._verify, gate=gate)


def _info_of(said: Any) -> InstallationInfo:  # noqa: ANN401 - JSON
    return InstallationInfo(
        id=said["id"],
        account=said["account"].get("login") or said["account"].get("slug") or "",
        suspended=bool(said.get("suspended_at")),
        permissions=said.get("permissions") or {},
    )


def _delivery_of(said: Any) -> HookDelivery:  # noqa: ANN401 - JSON
    return HookDelivery(
        id=said["id"],
        guid=said["guid"],
        delivered_at=said["delivered_at"],
        redelivery=said.get("redelivery", False),
        status_code=said.get("status_code") or 0,
        event=said["event"],
        action=said.get("action"),
        installation=said.get("installation_id"),
    )


def _delivered_of(said: Any) -> DeliveredEvent:  # noqa: ANN401 - JSON
    request: Any = said["request"]
    headers: dict[str, Any] = request.get("headers") or {}
    return DeliveredEvent(
        delivery=_delivery_of(said),
        headers={name.lower(): str(value) for name, value in headers.items()},
        payload=json.dumps(request["payload"]).encode(),
    )
