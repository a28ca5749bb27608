"""What GitHub tells us, cut down to what Flowberth uses. Tolerant: fields that we do not know are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from runner.model import GithubRepository

PermissionName: TypeAlias = Literal["admin", "maintain", "write", "triage", "read", "none"]
Visibility: TypeAlias = Literal["public", "private", "internal"]
Content: TypeAlias = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
"""Of a reaction."""
CheckStatus: TypeAlias = Literal["queued", "in_progress", "completed"]
Conclusion: TypeAlias = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"]
DeploymentState: TypeAlias = Literal["queued", "pending", "in_progress", "success", "failure", "error", "inactive"]
MergeMethod: TypeAlias = Literal["merge", "squash", "rebase"]
ReviewState: TypeAlias = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]


class Value(BaseModel):
    """Base of the values here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Person(Value):
    """Who wrote something. A deleted account is GitHub's `ghost`."""

    login: str
    is_bot: bool = False


class Repository(Value):
    """A repository as it is now."""

    reference: GithubRepository
    """With the name it has now."""
    default_branch: str
    visibility: Visibility
    url: str
    """Of its page, such as `https://github.com/owner/name`."""
    clone_url: str
    """For git; without credentials."""
    archived: bool = False
    auto_merge_allowed: bool = False


class Issue(Value):
    """An issue, or the conversation of a pull request."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed"]
    author: Person
    labels: tuple[str, ...]
    is_pull: bool
    url: str


class Comment(Value):
    """In the conversation of an issue or pull request."""

    id: int
    node_id: str
    body: str
    author: Person
    url: str
    created_at: datetime
    updated_at: datetime


class Side(Value):
    """Head or base of a pull request."""

    branch: str
    sha: str
    repository: str | None
    """`owner/name`; `None` where a fork was deleted."""


class Pull(Value):
    """A pull request."""

    number: int
    node_id: str
    title: str
    body: str
    state: Literal["open", "merged", "closed"]
    draft: bool
    author: Person
    head: Side
    base: Side
    labels: tuple[str, ...]
    url: str
    merge_sha: str | None = None
    """The commit on the base branch, once merged."""
    mergeable: bool | None = None
    """`None` while GitHub works it out, and in lists."""
    mergeable_state: str | None = None
    """`clean`, `dirty` (conflicts), `blocked`, `behind`, `unstable`, `draft`, `unknown` …"""
    auto_merge: bool = False
    reviewers: tuple[str, ...] = ()
    """Asked for a review that they have not given yet: logins, and teams as `owner/team`."""

    @property
    def from_fork(self) -> bool:
        """Whether its head is in another repository."""
        return self.head.repository is None or self.head.repository.lower() != (self.base.repository or "").lower()


class Review(Value):
    """A submitted review."""

    id: int
    author: Person
    state: ReviewState
    body: str
    sha: str | None
    """The commit that was looked at."""


class ChangedFile(Value):
    """One file of a pull request or a comparison."""

    path: str
    status: str
    """`added`, `modified`, `removed`, `renamed` …"""
    previous_path: str | None = None


class Comparison(Value):
    """How a head differs from a base."""

    ahead_by: int
    behind_by: int
    merge_base: str
    commits: tuple[str, ...]
    """That the head has and the base has not, oldest first; at most 250, says GitHub."""
    files: tuple[ChangedFile, ...]
    """At most 300, says GitHub."""


class Annotation(Value):
    """A finding on lines of a file."""

    path: str
    start_line: int
    end_line: int
    level: Literal["notice", "warning", "failure"]
    message: str
    title: str | None = None


class CheckAction(Value):
    """A button of a check run. GitHub's limits: label 20, description 40, identifier 20 characters; three of them."""

    label: str
    description: str
    identifier: str


class CheckView(Value):
    """What a check run is to show."""

    status: CheckStatus
    title: str
    summary: str
    """Markdown, cut to 65,535 bytes; so is `text`."""
    text: str | None = None
    conclusion: Conclusion | None = None
    """Exactly when `status` is `completed`."""
    details_url: str | None = None
    annotations: tuple[Annotation, ...] = ()
    actions: tuple[CheckAction, ...] = ()


class CheckRun(Value):
    """A check run of ours."""

    id: int
    name: str
    sha: str
    external_id: str
    status: CheckStatus
    conclusion: str | None
    annotations: int
    """How many it shows."""


class DeploymentInfo(Value):
    """A deployment of ours."""

    id: int
    sha: str
    environment: str
    key: str


class CheckSummary(Value):
    """Whether the check runs and statuses of a commit let it pass."""

    pending: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing failed and nothing is awaited."""
        return not self.pending and not self.failed


class InstallationInfo(Value):
    """An installation of the App."""

    id: int
    account: str
    suspended: bool
    permissions: dict[str, str]


class HookDelivery(Value):
    """One attempt of GitHub to deliver an event to the App; several may have the same `guid`."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool
    status_code: int
    """What our server answered; 0 where there was no answer."""
    event: str
    action: str | None = None
    installation: int | None = None

    @property
    def arrived(self) -> bool:
        """Whether our server has acknowledged it."""
        return 200 <= self.status_code < 300  # noqa: PLR2004 - what HTTP calls success


class DeliveredEvent(Value):
    """A delivery with what was sent."""

    delivery: HookDelivery
    headers: dict[str, str]
    """Names in lower case."""
    payload: bytes
    """JSON; not byte for byte what was signed. It came from the API, so it needs no signature."""


class FileAddition(Value):
    """A file of a commit made through the API."""

    path: str
    data: bytes


class Label(Value):
    """A label that Flowberth puts on issues and pull requests."""

    name: str
    color: str
    """Six hexadecimal digits."""
    description: str = ""
