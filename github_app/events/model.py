"""One model per event."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AliasPath, BeforeValidator, Field

from codegen.json_values import as_object
from github_app.events.things import (
    GHOST,
    CheckRun,
    CheckSuite,
    Comment,
    Id,
    InstallationOf,
    Issue,
    Place,
    Pull,
    Review,
    Somebody,
    Text,
    Tolerant,
)
from runner.model import GithubRepository


def _keys(value: object) -> frozenset[str]:
    return frozenset(as_object(value))


class RepositoryEvent(Tolerant):
    """Something happened in a repository where the App is installed."""

    action: Text = ""
    installation: Id = Field(validation_alias=AliasPath("installation", "id"))
    place: Place = Field(validation_alias="repository")
    sender: Somebody = GHOST

    @property
    def repository(self) -> GithubRepository:
        """Where a run would be for."""
        return GithubRepository(installation=self.installation, id=self.place.id, full_name=self.place.full_name)


class RepositoryChangedEvent(RepositoryEvent):
    """`repository`: it went to another account, was archived, or is gone."""


class IssueEvent(RepositoryEvent):
    """`issues`."""

    issue: Issue
    label: Text = Field(default="", validation_alias=AliasPath("label", "name"))
    """The label that was just put on, when the action is `labeled`."""
    changed: Annotated[frozenset[str], BeforeValidator(_keys)] = Field(default=frozenset(), validation_alias="changes")
    """`title`, `body`: what an edit was of."""


class CommentEvent(RepositoryEvent):
    """`issue_comment`, on an issue or a pull request."""

    issue: Issue
    comment: Comment


class PullRequestEvent(RepositoryEvent):
    """`pull_request`."""

    pull: Pull = Field(validation_alias="pull_request")
    before: Text = ""
    """`synchronize`: the head until now."""
    changed: Annotated[frozenset[str], BeforeValidator(_keys)] = Field(default=frozenset(), validation_alias="changes")
    """`title`, `body`, `base`: what an edit was of."""


class ReviewEvent(RepositoryEvent):
    """`pull_request_review`."""

    pull: Pull = Field(validation_alias="pull_request")
    review: Review


class CheckRunEvent(RepositoryEvent):
    """`check_run`: somebody pressed Re-run, or a button of ours."""

    check: CheckRun = Field(validation_alias="check_run")
    button: Text = Field(default="", validation_alias=AliasPath("requested_action", "identifier"))
    """The `identifier` of our button, when the action is `requested_action`."""


class CheckSuiteEvent(RepositoryEvent):
    """`check_suite`: somebody pressed Re-run all; or the checks of an App have ended."""

    suite: CheckSuite = Field(validation_alias="check_suite")


class InstallationEvent(Tolerant):
    """`installation`: the App was installed, removed, suspended, or got other permissions."""

    action: Text = ""
    installation: InstallationOf
    places: tuple[Place, ...] = Field(default=(), validation_alias="repositories")
    sender: Somebody = GHOST

    @property
    def repositories(self) -> tuple[GithubRepository, ...]:
        """Those it may see, where the event lists them."""
        return _of(self.installation, self.places)


class InstallationRepositoriesEvent(Tolerant):
    """`installation_repositories`: an installation may see more, or fewer."""

    action: Text = ""
    installation: InstallationOf
    places_added: tuple[Place, ...] = Field(default=(), validation_alias="repositories_added")
    places_removed: tuple[Place, ...] = Field(default=(), validation_alias="repositories_removed")
    sender: Somebody = GHOST

    @property
    def added(self) -> tuple[GithubRepository, ...]:
        """Those it may see from now on."""
        return _of(self.installation, self.places_added)

    @property
    def removed(self) -> tuple[GithubRepository, ...]:
        """Those it may see no longer."""
        return _of(self.installation, self.places_removed)


class PingEvent(Tolerant):
    """`ping`: GitHub tries a webhook that was just set up."""

    hook_id: Id


def _of(installation: InstallationOf, places: tuple[Place, ...]) -> tuple[GithubRepository, ...]:
    return tuple(
        GithubRepository(installation=installation.id, id=place.id, full_name=place.full_name) for place in places
    )


Event: TypeAlias = (
    IssueEvent
    | CommentEvent
    | PullRequestEvent
    | ReviewEvent
    | CheckRunEvent
    | CheckSuiteEvent
    | RepositoryChangedEvent
    | InstallationEvent
    | InstallationRepositoriesEvent
    | PingEvent
)
