"""Whether the App is set up right, as GitHub sees it, and what to change where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx
from githubkit import AppAuthStrategy

from github_app.github.app import TIMEOUT_SECONDS, GithubApp
from github_app.github.connection import Connection, OpenGate
from github_app.github.errors import BadCredentials
from github_app.github.pace import Pace
from github_app.server.manifest import EVENTS, PERMISSIONS, covers, webhook_url

if TYPE_CHECKING:
    from github_app.github.model import HookDelivery
    from github_app.settings import GithubCredentials, Settings
    from runner.database import Database

LATELY = timedelta(days=1)
DELIVERIES = 20
"""Looked at: the newest say whether things are right now."""
HTTP_UNAUTHORIZED = 401


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do where it is not right."""

    name: str
    right: bool
    detail: str
    mend: str | None = None
    needed: bool = True
    """False: Flowberth works without it."""


@dataclass(frozen=True)
class _App:
    slug: str
    name: str
    url: str
    settings_url: str
    permissions: dict[str, str]
    events: frozenset[str]


def inspect(settings: Settings, database: Database) -> list[Finding]:
    """Everything, in the order in which a person would mend it. The database is not opened.

    Raises:
        github_app.settings.InvalidSettings: a setting of the App is missing.
        GithubError: GitHub cannot be reached.
    """
    credentials = settings.github_credentials()
    connection = _connection(credentials)
    try:
        app = connection.read(lambda said: _app_of(said, settings.github_url), connection.rest.apps.get_authenticated)
    except BadCredentials as error:
        mend = (
            "Compare FLOWBERTH_GITHUB_APP_ID with the App's settings page, make a new private key there, and see that "
            "the clock of this machine is right."
        )
        return [Finding("App", False, f"{credentials.api_url}: {error}", mend)]
    else:
        found = [Finding("App", True, f"{app.name}, {app.url}"), *_permissions(app), _events(app)]
        found.append(_hook(app, connection, settings.public_url))
    finally:
        connection.close()
    github = GithubApp(
        api_url=credentials.api_url,
        app_id=credentials.app_id,
        private_key=credentials.private_key,
        pace=Pace(database),  # of installations, which are not asked anything here
    )
    try:
        found += _installations(github, f"{app.url}/installations/new")
        found += _last_deliveries(list(islice(github.hook_deliveries(datetime.now(UTC) - LATELY), DELIVERIES)))
    finally:
        github.close()
    return found


def _connection(credentials: GithubCredentials) -> Connection:
    return Connection(
        AppAuthStrategy(credentials.app_id, credentials.private_key.get_secret_value()),
        api_url=credentials.api_url,
        timeout=TIMEOUT_SECONDS,
        verify=httpx.create_ssl_context(),
        gate=OpenGate(),
    )


def _app_of(said: Any, github_url: str) -> _App:  # noqa: ANN401 - JSON
    owner: dict[str, Any] = said.get("owner") or {}
    whose = f"/organizations/{owner.get('login')}" if owner.get("type") == "Organization" else ""
    return _App(
        slug=said["slug"],
        name=said["name"],
        url=said["html_url"],
        settings_url=f"{github_url}{whose}/settings/apps/{said['slug']}",
        permissions=said.get("permissions") or {},
        events=frozenset(said.get("events") or ()),
    )


def _permissions(app: _App) -> list[Finding]:
    where = f"{app.settings_url}/permissions"
    missing = {name: wanted for name, wanted in PERMISSIONS.items() if not covers(app.permissions.get(name), wanted[0])}
    findings = [
        Finding(
            f"permission {name}",
            False,
            f"is {app.permissions.get(name, 'none')}, and must be {level}, to {why}",
            f"Change it on {where}; whoever has installed the App is asked to accept that.",
        )
        for name, (level, why) in missing.items()
    ]
    if not findings:
        findings.append(Finding("permissions", True, ", ".join(PERMISSIONS)))
    return findings


def _events(app: _App) -> Finding:
    missing = [event for event in EVENTS if event not in app.events]
    if not missing:
        return Finding("events", True, ", ".join(EVENTS))
    return Finding(
        "events", False, f"not subscribed to {', '.join(missing)}", f"Tick them on {app.settings_url}/permissions."
    )


def _hook(app: _App, connection: Connection, public_url: str | None) -> Finding:
    config: dict[str, Any] = connection.read(dict, connection.rest.apps.get_webhook_config_for_app)
    url, content_type = str(config.get("url") or ""), str(config.get("content_type") or "form")
    if public_url is None:
        return Finding(
            "webhook", False, f"sends to {url or 'nowhere'}", "Set FLOWBERTH_PUBLIC_URL, so that this can be compared."
        )
    wanted = webhook_url(public_url)
    if url.rstrip("/") != wanted:
        mend = f"Change the webhook URL on {app.settings_url}, or FLOWBERTH_PUBLIC_URL."
        return Finding("webhook", False, f"sends to {url or 'nowhere'}, and must send to {wanted}", mend)
    if content_type != "json":
        mend = f"Choose application/json on {app.settings_url}."
        return Finding("webhook", False, f"sends {content_type}, which is not taken", mend)
    return Finding("webhook", True, f"sends JSON to {url}")


def _installations(github: GithubApp, install: str) -> list[Finding]:
    installed = github.installations()
    if not installed:
        return [Finding("installations", False, "none", f"Install it: {install}", needed=False)]
    findings: list[Finding] = []
    for one in installed:
        name = f"installed on {one.account}"
        lacking = [name for name, (level, _) in PERMISSIONS.items() if not covers(one.permissions.get(name), level)]
        if one.suspended:
            findings.append(Finding(name, False, "suspended", "Its owner can lift that.", needed=False))
        elif lacking:
            mend = f"Its owner must accept the App's new permissions; GitHub has sent a mail, and shows it on {install}"
            findings.append(Finding(name, False, f"has not given {', '.join(lacking)}", mend))
        else:
            findings.append(Finding(name, True, "with all permissions"))
    return findings


def _last_deliveries(attempts: list[HookDelivery]) -> list[Finding]:
    """What became of what GitHub has sent lately: the only place where a wrong secret or a closed port shows."""
    if not attempts:
        return []
    newest = attempts[0]
    if newest.arrived:
        return [Finding("deliveries", True, f"the last one arrived ({newest.delivered_at:%Y-%m-%d %H:%M} UTC)")]
    if newest.status_code == HTTP_UNAUTHORIZED:
        mend = "FLOWBERTH_GITHUB_WEBHOOK_SECRET is not the secret in the App's settings: set the same in both places."
    elif newest.status_code:
        mend = "Look into the log of `flowberth serve`, or of what stands before it."
    else:
        mend = "Is `flowberth serve` running, and does GitHub reach it at FLOWBERTH_PUBLIC_URL?"
    failed = sum(not attempt.arrived for attempt in attempts)
    status = newest.status_code or "nothing"
    detail = f"the last one was answered with {status}; of the last {len(attempts)}, {failed} did not arrive"
    return [Finding("deliveries", False, detail, f"{mend} What was missed is fetched once it runs.")]
