"""The forge itself: what is in it, how tests fill it, start it and ask it."""

from __future__ import annotations

import itertools
import json
import secrets
import shlex
import sys
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.forge import endpoints, views, views_git
from tests.forge.access import Actor, Tokens
from tests.forge.dispatch import API, Dispatch, Logged
from tests.forge.faults import Faults, Limits
from tests.forge.git import GITHUB, Bare
from tests.forge.serving import Serving
from tests.forge.webhooks import Delivery, Webhooks
from tests.forge.world import Account, Attachment, CheckSuite, Gist, Installation, Label, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.forge.openapi import OpenApi
    from tests.forge.world import CheckRun

T = TypeVar("T")
P = ParamSpec("P")
PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "deployments": "write",
    "statuses": "write",
}
EVENTS = [
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "issue_comment",
    "issues",
    "label",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "repository",
    "status",
]
ALWAYS_SENT = ("installation", "installation_repositories", "ping", "github_app_authorization")
_HOOK = f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -ISE {shlex.quote(str(Path(__file__).with_name('pre_receive.py')))}\n"


@lru_cache
def _app_key() -> rsa.RSAPrivateKey:
    """One for the whole process: making one takes a good part of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _locked(method: Callable[Concatenate[Forge, P], T]) -> Callable[Concatenate[Forge, P], T]:
    """For what tests change while the server is at work."""

    @wraps(method)
    def locked(self: Forge, *arguments: P.args, **named: P.kwargs) -> T:
        with self.lock:
            return method(self, *arguments, **named)

    return locked


class Forge:
    """A GitHub with one App. `with Forge(folder, hook_url=…) as forge:` serves it on a free port of this machine."""

    def __init__(
        self, folder: Path, *, hook_url: str | None = None, openapi: OpenApi | None = None, slug: str = "flowberth"
    ) -> None:
        self.folder = folder
        self.hook_url = hook_url
        self.openapi = openapi
        self.violations: list[str] = []
        """What the App's requests did that GitHub's OpenAPI description does not know; tokens sent to where no API is."""
        self.lock = threading.RLock()
        self._changed = threading.Condition()
        self._revision = 0
        self._ids = itertools.count(secrets.randbelow(10**6) * 1000 + 1)

        self.slug, self.app_name = slug, slug.capitalize()
        self.app_id = self.next_id()  # random: clients cache tokens by it, for the whole process
        self.client_id = f"Iv23li{secrets.token_hex(7)}"
        self.webhook_secret = secrets.token_hex(20)
        self._key = _app_key()
        self.public_key = self._key.public_key()
        self.permissions, self.events = dict(PERMISSIONS), list(EVENTS)
        self.largest_file_bytes = 100 * 1024 * 1024  # that a push may bring

        self.started_at = self.now()
        self.accounts: dict[str, Account] = {}  # by login in lower case
        self.repositories: dict[str, Repository] = {}  # by full name in lower case
        self.installations: dict[int, Installation] = {}
        self.attachments: dict[str, Attachment] = {}  # by path
        self.gists: dict[str, Gist] = {}
        self.manifests: dict[str, dict[str, Any]] = {}  # by code
        self.bot = self.account(f"{slug}[bot]", kind="Bot")
        self.app_owner = self.account("flowberth", kind="Organization")

        self.log: list[Logged] = []
        """Every request that was answered, oldest first."""
        self.faults, self.limits, self.tokens, self.webhooks = Faults(), Limits(), Tokens(self), Webhooks(self)
        self._clients: dict[str | None, httpx.Client] = {}
        self._serving = Serving(Dispatch(self))
        self.web_url = self._serving.url
        self.api_url = f"{self.web_url}{API}"

    # Serving

    def __enter__(self) -> Self:
        endpoints.load()
        self._serving.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.webhooks.close()
        for client in self._clients.values():
            client.close()
        self._serving.__exit__(*error)

    # Filling

    @property
    def private_key(self) -> str:
        """The App's, as PEM."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        return self._key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

    @_locked
    def account(self, login: str, kind: Literal["User", "Organization", "Bot"] = "User") -> Account:
        """Found by login, or made."""
        found = self.find_account(login)
        if found is None:
            token = f"ghp_{secrets.token_hex(18)}" if kind == "User" else ""
            found = self.accounts[login.lower()] = Account(login, self.next_id(), kind, token)
        return found

    def find_account(self, login: str) -> Account | None:
        return self.accounts.get(login.lower())

    @_locked
    def repository(
        self,
        full_name: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        private: bool = False,
        roles: Mapping[str, str] | None = None,
        labels: Iterable[str] = ("bug", "enhancement"),
    ) -> Repository:
        """A new repository of an organization (made on first mention), with one commit on `main`."""
        owner, _, name = full_name.partition("/")
        folder = self.folder / f"{full_name}.git"
        git = Bare(folder)
        git.create("main", _HOOK)
        tree = git.write_tree(
            None,
            {
                path: text.encode() if isinstance(text, str) else text
                for path, text in (files or {"README.md": f"# {name}\n"}).items()
            },
        )
        git.move("refs/heads/main", git.write_commit(tree, [], "Initial commit\n", GITHUB))
        given = Repository(
            self.next_id(),
            self.account(owner, "Organization"),
            name,
            private,
            self.now(),
            git,
            folder,
            roles=dict(roles or {}),
        )
        for login in given.roles:
            self.account(login)
        for label in labels:
            given.labels[label.lower()] = Label(self.next_id(), label)
        self.repositories[full_name.lower()] = given
        return given

    @_locked
    def install(
        self,
        owner: str,
        repositories: Iterable[str] | None = None,
        *,
        permissions: Mapping[str, str] | None = None,
        tell: bool = False,
    ) -> Installation:
        """Install the App for an account: for all of its repositories, or those named in full. `tell`: with the event."""
        selected = set(repositories) if repositories is not None else None
        installation = Installation(
            self.next_id(),
            self.account(owner, "Organization"),
            dict(permissions or self.permissions),
            self.now(),
            selected,
        )
        self.installations[installation.id] = installation
        if tell:
            self.emit_installation(installation, "installation", "created", self.covered(installation))
        return installation

    @_locked
    def uninstall(self, installation: Installation) -> None:
        covered = self.covered(installation)
        del self.installations[installation.id]
        self.emit_installation(installation, "installation", "deleted", covered)

    @_locked
    def suspend(self, installation: Installation) -> None:
        installation.suspended_at = self.now()
        self.emit_installation(installation, "installation", "suspend", self.covered(installation))

    @_locked
    def unsuspend(self, installation: Installation) -> None:
        installation.suspended_at = None
        self.emit_installation(installation, "installation", "unsuspend", self.covered(installation))

    @_locked
    def select(self, installation: Installation, repositories: set[str]) -> None:
        """From now on these repositories (by full name), and no others."""
        before = self.covered(installation)
        installation.selected = set(repositories)
        after = self.covered(installation)
        for action, changed in (
            ("added", [one for one in after if one not in before]),
            ("removed", [one for one in before if one not in after]),
        ):
            if changed:
                self.emit_installation(installation, "installation_repositories", action, changed)

    @_locked
    def attach(self, full_name: str, name: str, data: bytes) -> str:
        """The address of a file that somebody dropped into a comment of the repository."""
        number = self.next_id()
        kind = "assets" if name.endswith((".png", ".jpg", ".gif", ".webp", ".mp4")) else "files"
        path = (
            f"/user-attachments/{kind}/{secrets.token_hex(16)}"
            if kind == "assets"
            else f"/user-attachments/files/{number}/{name}"
        )
        self.attachments[path] = Attachment(number, name, data, self.repo(full_name))
        return self.web_url + path

    @_locked
    def gist(self, login: str, files: dict[str, str]) -> Gist:
        gist = Gist(secrets.token_hex(16), self.account(login), files, self.now())
        self.gists[gist.id] = gist
        return gist

    # Asking

    def repo(self, full_name: str) -> Repository:
        return self.repositories[full_name.lower()]

    def find_repository(self, full_name: str) -> Repository | None:
        return self.repositories.get(full_name.lower())

    def installation_for(self, repository: Repository) -> Installation | None:
        return next((one for one in list(self.installations.values()) if one.covers(repository)), None)

    def covered(self, installation: Installation) -> list[Repository]:
        return [repository for repository in list(self.repositories.values()) if installation.covers(repository)]

    def client(self, login: str | None = None) -> httpx.Client:
        """REST as a person (None: as nobody), relative to the API: `forge.client("alice").post("/repos/acme/site/issues", json=…)`.

        One for each person, closed with the forge.
        """
        if login not in self._clients:
            headers = {"accept": "application/vnd.github+json"}
            if login:
                headers["authorization"] = f"Bearer {self.account(login).token}"
            # Plain HTTP, so there is nothing to verify: loading the certificates would take 50 ms each time.
            self._clients[login] = httpx.Client(
                base_url=self.api_url, headers=headers, timeout=30, trust_env=False, verify=False
            )
        return self._clients[login]

    def requests(self, pattern: str = "", *, by: str | None = None) -> list[Logged]:
        """What was asked: requests whose "METHOD path" contains the text, of a login ("flowberth[bot]": the App's)."""
        return [
            entry for entry in list(self.log) if pattern in f"{entry.method} {entry.path}" and by in (None, entry.actor)
        ]

    def deliveries(self, event: str, action: str | None = None) -> list[Delivery]:
        return [one for one in list(self.webhooks.deliveries) if one.event == event and action in (None, one.action)]

    def until(self, condition: Callable[[], T], seconds: float = 30, *, rest: float = 0.0) -> T:
        """Wait until something is true of the forge (or of anything else: it is asked again every 0.2 seconds).

        A condition that is dear to look at can `rest` between two looks, however much happens on the forge.
        """
        deadline = time.monotonic() + seconds
        while True:
            seen = self._revision
            if value := condition():
                return value
            left = deadline - time.monotonic()
            assert left > 0, f"not within {seconds} seconds"
            time.sleep(min(left, rest))
            with self._changed:
                self._changed.wait_for(lambda before=seen: self._revision != before, min(left, max(rest, 0.2)))

    def notify(self) -> None:
        with self._changed:
            self._revision += 1
            self._changed.notify_all()

    def check_suite(self, repository: Repository, sha: str) -> CheckSuite:
        """Found or made: one for each commit, for there is one App."""
        for suite in repository.suites:
            if suite.head_sha == sha:
                return suite
        suite = CheckSuite(self.next_id(), sha, self.now())
        repository.suites.append(suite)
        return suite

    # Events

    @_locked
    def press(self, full_name: str, run: CheckRun, identifier: str, *, by: str) -> None:
        """A check's own button: only a browser can."""
        repository = self.repo(full_name)
        shown = views_git.check_run_in_event(self, repository, run)
        asked = {"identifier": identifier}
        self.emit(
            repository, "check_run", "requested_action", self.account(by), check_run=shown, requested_action=asked
        )

    def emit(
        self, repository: Repository, event: str, action: str | None, actor: Actor | Account, **payload: Any
    ) -> None:
        """Send an event of a repository, if the App is installed there and has subscribed."""
        installation = self.installation_for(repository)
        if installation is None or installation.suspended_at or event not in (*self.events, *ALWAYS_SENT):
            return
        sender = actor.user if isinstance(actor, Actor) else actor
        body = {**({"action": action} if action else {}), **payload, "repository": views.repository(self, repository)}
        if repository.owner.kind == "Organization":
            body["organization"] = views.organization(self, repository.owner)
        body |= {
            "sender": views.user(self, sender),
            "installation": {"id": installation.id, "node_id": f"MDIz{installation.id}"},
        }
        self.webhooks.send(event, body)

    def emit_installation(
        self, installation: Installation, event: str, action: str, repositories: Iterable[Repository]
    ) -> None:
        people = (one for one in self.accounts.values() if one.kind == "User")
        payload = views.installation_event(self, installation, event, action, repositories)
        self.webhooks.send(event, {**payload, "sender": views.user(self, next(people, installation.account))})

    # Small things

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        return self.at(time.time())

    @staticmethod
    def at(seconds: float) -> str:
        """As GitHub writes times: UTC, to the second."""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def settings(self) -> dict[str, Any]:
        """What a program needs to be this App, and to act as these people."""
        return {
            "api_url": self.api_url,
            "web_url": self.web_url,
            "app_id": self.app_id,
            "slug": self.slug,
            "private_key": self.private_key,
            "webhook_secret": self.webhook_secret,
            "tokens": {account.login: account.token for account in self.accounts.values() if account.token},
            "installations": {one.account.login: one.id for one in self.installations.values()},
            "repositories": [one.full_name for one in self.repositories.values()],
        }

    def __repr__(self) -> str:
        return f"<Forge {json.dumps(sorted(self.repositories))} at {self.web_url}>"
