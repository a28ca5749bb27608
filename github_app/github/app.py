"""The App itself: who it is, where it is installed, and what GitHub tried to tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pydantic import SecretStr

    from github_app.github.installation import Installation
    from github_app.github.model import DeliveredEvent, HookDelivery, InstallationInfo
    from github_app.github.pace import Pace

TIMEOUT_SECONDS = 20.0
"""For one request, each of connecting, sending and reading: GitHub gives up on its own side after ten."""


class GithubApp:
    """One per process; safe to use from several threads.

    All methods, here and on what it gives, may raise the errors of `github_app.github.errors`.
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

    @property
    def bot_login(self) -> str:
        """Login under which the App writes: `<slug>[bot]`. Asked once."""
        raise NotImplementedError

    def installation(self, installation: int) -> Installation:
        """One of its installations; nothing is asked yet."""
        raise NotImplementedError

    def installations(self) -> tuple[InstallationInfo, ...]:
        """Where the App is installed, suspended ones too."""
        raise NotImplementedError

    def hook_deliveries(self, since: datetime) -> Iterator[HookDelivery]:
        """What GitHub has tried to deliver since then, newest first; asked page by page, as it is consumed."""
        raise NotImplementedError

    def delivery(self, delivery: int) -> DeliveredEvent:
        """One of them, with headers and payload."""
        raise NotImplementedError

    def redeliver(self, delivery: int) -> None:
        """Ask GitHub to send it again, under the same GUID."""
        raise NotImplementedError

    def close(self) -> None:
        """Close its connections."""
        raise NotImplementedError
