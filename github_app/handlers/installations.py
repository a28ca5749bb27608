"""`installation`, `installation_repositories`, `repository`: where the App is, and where it is no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.events.model import InstallationEvent, RepositoryChangedEvent
from github_app.handlers.teardown import end, stop
from github_app.repository_settings import DEFAULTS, PATH, InvalidRepositorySettings
from github_app.rules import rules_of
from github_app.telling import pages
from github_app.telling.pages.welcome import TITLE, SetUp
from runner.model import repository_key

if TYPE_CHECKING:
    from github_app.events.model import InstallationRepositoriesEvent
    from github_app.github.repository import RepositoryApi
    from github_app.handlers.doors import Doors
    from github_app.repository_settings import RepositorySettings
    from runner.model import GithubRepository

MAX_WELCOMES = 5
"""Repositories that get an issue of welcome at once; whoever installs the App everywhere needs none in each."""
WELCOME = "welcome"
"""Marker of that issue."""
FORM = ".github/ISSUE_TEMPLATE/deploy-a-workflow.yml"
NEEDED = {
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "deployments": "write",
    "statuses": "read",
}
"""Permissions, as the manifest asks for them."""


def on_installation(
    event: InstallationEvent | InstallationRepositoriesEvent | RepositoryChangedEvent, doors: Doors
) -> None:
    """Welcome where we are new; where we, or the repository, are gone, nothing goes on."""
    if isinstance(event, RepositoryChangedEvent):
        _went(event, doors)
        return
    if isinstance(event, InstallationEvent):
        _changed(event, doors)
        return
    left = {repository_key(repository) for repository in event.removed}
    gone = [record for record in doors.records.of_installation(event.installation.id) if record.repo in left]
    end(doors, gone, "the App was removed from the repository")
    stop(doors, gone)
    _welcome(doors, event.added)


def _went(event: RepositoryChangedEvent, doors: Doors) -> None:
    """Nothing goes on or serves for a repository that nobody works in any more, or that is somebody else's now."""
    key = repository_key(event.repository)
    live = {record.id: record for record in (*doors.records.unfinished(), *doors.records.left_serving())}
    gone = [record for record in live.values() if record.repo == key]
    end(doors, gone, f"the repository was {event.action}")
    stop(doors, gone)


def _changed(event: InstallationEvent, doors: Doors) -> None:
    installation, account = event.installation.id, event.installation.account.login
    if event.action not in ("deleted", "suspend"):
        doors.installations.settle(installation, account, "active")
        if event.action == "created":
            _welcome(doors, event.repositories)
        return
    state = "removed" if event.action == "deleted" else "suspended"
    doors.installations.settle(installation, account, state)
    gone = doors.records.of_installation(installation)
    end(doors, gone, f"the App was {state}")
    stop(doors, gone)


def _welcome(doors: Doors, repositories: tuple[GithubRepository, ...]) -> None:
    if len(repositories) > MAX_WELCOMES:
        return
    for repository in repositories:
        api = doors.repository(repository)
        about = api.about()
        if about.archived:
            continue
        rules, set_up = _set_up(doors, repository, api)
        page = pages.welcome(
            about.reference.full_name,
            set_up,
            budget_usd=rules.budget_usd,
            target=rules.target or doors.target.name,
            new_issue_url=f"{about.url}/issues/new",
        )
        api.open_issue(WELCOME, TITLE, page)


def _set_up(
    doors: Doors, repository: GithubRepository, api: RepositoryApi
) -> tuple[RepositorySettings, tuple[SetUp, ...]]:
    has = doors.github.installation(repository.installation).info().permissions
    missing = [name for name, level in NEEDED.items() if has.get(name) not in (level, "write")]
    permissions = SetUp(
        name="Permissions",
        ok=not missing,
        detail=f"accept the new permissions of the App: {', '.join(missing)}" if missing else "all that are needed",
    )
    try:
        rules = rules_of(api)
        there = api.file(PATH) is not None
        settings = SetUp(
            name="Settings", ok=True, detail=f"those in {PATH}" if there else f"the defaults, for there is no {PATH}"
        )
    except InvalidRepositorySettings as error:
        rules = DEFAULTS
        settings = SetUp(name="Settings", ok=False, detail=str(error))
    form = api.file(FORM) is not None
    return rules, (
        permissions,
        settings,
        SetUp(
            name="Issue form", ok=True, detail=FORM if form else f"none yet; with {FORM} people get a form to fill in"
        ),
    )
