"""The nouns of payloads. Each keeps the few fields that somebody acts on."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from codegen.json_values import as_list, as_object

MAX_ID = 2**63 - 1
"""GitHub's ids are 64-bit integers, as Postgres's are."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(value: object) -> object:
    """Without what neither Postgres nor UTF-8 can hold; nothing at all is an empty text."""
    if value is None:
        return ""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _names(value: object) -> object:
    return [as_object(entry).get("name") for entry in as_list(value)]


def _numbers(value: object) -> object:
    return [as_object(entry).get("number") for entry in as_list(value)]


def _present(value: object) -> bool:
    return value is not None


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Text = Annotated[str, BeforeValidator(_storable)]
Sha = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]
Names = Annotated[tuple[Text, ...], BeforeValidator(_names)]
Numbers = Annotated[tuple[Id, ...], BeforeValidator(_numbers)]
Present = Annotated[bool, BeforeValidator(_present)]


class Tolerant(BaseModel):
    """Base of what is read from payloads: immutable, and blind to what it does not name."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Actor(Tolerant):
    """An account: a person, a bot, an organization."""

    login: Text
    id: int = 0
    type: Text = "User"

    @property
    def is_bot(self) -> bool:
        """Whether a program acts with this account."""
        return self.type == "Bot" or self.login.endswith("[bot]")


GHOST: Final = Actor(login="ghost")
"""Who GitHub shows in the place of an account that is gone."""


def _somebody(value: Any) -> Any:  # noqa: ANN401 - whatever a payload has there
    return GHOST if value is None else value


Somebody = Annotated[Actor, BeforeValidator(_somebody)]


class Place(Tolerant):
    """A repository, as payloads describe it."""

    id: Id
    full_name: FullName
    private: bool = False
    archived: bool = False
    default_branch: Text = ""
    """Empty in the lists of `installation` events, which leave it out."""


class Issue(Tolerant):
    """An issue; to GitHub a pull request is one, too."""

    number: Id
    title: Text = ""
    body: Text = ""
    state: Text = "open"
    author: Somebody = Field(default=GHOST, validation_alias="user")
    labels: Names = ()
    url: Text = Field(default="", validation_alias="html_url")
    is_pull: Present = Field(default=False, validation_alias="pull_request")


class Comment(Tolerant):
    """A comment in the conversation of an issue or a pull request."""

    id: Id
    body: Text = ""
    author: Somebody = Field(default=GHOST, validation_alias="user")
    url: Text = Field(default="", validation_alias="html_url")


class Branch(Tolerant):
    """One end of a pull request."""

    ref: Text
    sha: Sha
    repository: Id | None = Field(default=None, validation_alias=AliasPath("repo", "id"))
    """`None` when the repository, a fork, has been deleted."""


class Pull(Tolerant):
    """A pull request."""

    number: Id
    title: Text = ""
    body: Text = ""
    state: Text = "open"
    draft: bool = False
    merged: bool = False
    """Always false in the events of reviews, which leave it out."""
    merge_commit: Sha | None = Field(default=None, validation_alias="merge_commit_sha")
    """The merged commit if it is merged; else one that GitHub made to try it."""
    head: Branch
    base: Branch
    author: Somebody = Field(default=GHOST, validation_alias="user")
    labels: Names = ()
    url: Text = Field(default="", validation_alias="html_url")

    @property
    def is_from_fork(self) -> bool:
        """Whether its head is in another repository: nothing of it is ever run."""
        return self.head.repository is None or self.head.repository != self.base.repository


class Review(Tolerant):
    """What a reviewer said of a pull request."""

    id: Id
    state: Text
    """`approved`, `changes_requested`, `commented` or `dismissed`."""
    body: Text = ""
    commit: Sha | None = Field(default=None, validation_alias="commit_id")
    author: Somebody = Field(default=GHOST, validation_alias="user")
    url: Text = Field(default="", validation_alias="html_url")


class CheckRun(Tolerant):
    """A check run, of any App."""

    id: Id
    name: Text = ""
    external_id: Text = ""
    head_sha: Sha
    status: Text = ""
    conclusion: Text = ""
    app_id: int = Field(default=0, validation_alias=AliasPath("app", "id"))
    pulls: Numbers = Field(default=(), validation_alias="pull_requests")


class CheckSuite(Tolerant):
    """All check runs of one App on one commit."""

    id: Id
    head_sha: Sha
    head_branch: Text = ""
    app_id: int = Field(default=0, validation_alias=AliasPath("app", "id"))
    pulls: Numbers = Field(default=(), validation_alias="pull_requests")


class InstallationOf(Tolerant):
    """The App in somebody's account."""

    id: Id
    account: Somebody = GHOST
    selection: Text = Field(default="", validation_alias="repository_selection")
    """`all` or `selected`."""
    permissions: dict[Text, Text] = {}
    suspended: Present = Field(default=False, validation_alias="suspended_at")
