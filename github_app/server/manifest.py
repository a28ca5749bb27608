"""What the App asks for, and why: for GitHub's manifest, and for `github check` to compare.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from github_app.events.parse import ROUTES
from github_app.server.webhooks import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.model import JsonObject

Level: TypeAlias = Literal["read", "write"]

HOMEPAGE = "https://github.com/flowberth/flowberth"
DESCRIPTION = "Open an issue with a ComfyUI workflow, and get a pull request: deployed, tested, priced and written up."
PERMISSIONS: Final[Mapping[str, tuple[Level, str]]] = {
    "contents": ("write", "read the workflow, push the branch of a pull request, tag what is in production"),
    "issues": ("write", "answer in the issue, set labels"),
    "pull_requests": ("write", "open, update and merge pull requests"),
    "checks": ("write", "show the progress and the findings of a run on its commit"),
    "deployments": ("write", "show what is deployed where, with its address"),
    "statuses": ("read", "read what other checks say before anything is merged"),
    "metadata": ("read", "GitHub gives it to every App"),
}
"""With what each is for."""
ALWAYS_SENT = frozenset({"installation", "installation_repositories", "ping"})
"""To every App; nobody can subscribe to these."""
EVENTS: Final = tuple(sorted(ROUTES.keys() - ALWAYS_SENT))
LEVELS = ("", "read", "write", "admin")
MAX_NAME_CHARACTERS = 34
"""GitHub's limit."""


def manifest(*, name: str, public_url: str, redirect_url: str) -> JsonObject:
    """The App as it is to be made. `redirect_url`: where GitHub sends the browser with the code."""
    return {
        "name": name[:MAX_NAME_CHARACTERS],
        "url": HOMEPAGE,
        "description": DESCRIPTION,
        "hook_attributes": {"url": webhook_url(public_url), "active": True},
        "redirect_url": redirect_url,
        "public": False,
        "default_permissions": {permission: level for permission, (level, _) in PERMISSIONS.items()},
        "default_events": list(EVENTS),
    }


def webhook_url(public_url: str) -> str:
    """Where GitHub sends webhooks to."""
    return public_url + PATH


def covers(given: str | None, wanted: str) -> bool:
    """Whether a permission that was given is enough."""
    return given in LEVELS and LEVELS.index(given) >= LEVELS.index(wanted)
