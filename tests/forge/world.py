"""The state of the forge: plain values that the endpoints change under the forge's lock, and that tests may read without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forge.git import Bare

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
LEVELS = ("none", "read", "write", "admin")


@dataclass(eq=False)
class Account:
    login: str
    id: int
    kind: Literal["User", "Organization", "Bot"] = "User"
    token: str = ""

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(eq=False)
class Installation:
    id: int
    account: Account
    permissions: dict[str, str]
    created_at: str
    selected: set[str] | None = None  # full names; None: all repositories of the account
    suspended_at: str | None = None

    def covers(self, repository: Repository) -> bool:
        if repository.owner is not self.account:
            return False
        return self.selected is None or repository.full_name in self.selected


@dataclass(eq=False)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False)
class Reaction:
    id: int
    user: Account
    content: str
    created_at: str


@dataclass(eq=False)
class Comment:
    id: int
    issue: Issue
    user: Account
    body: str
    created_at: str
    updated_at: str
    by_app: bool = False
    reactions: list[Reaction] = field(default_factory=list)
    edits: int = 0


@dataclass(eq=False)
class Issue:
    id: int
    number: int
    user: Account
    title: str
    body: str
    created_at: str
    updated_at: str
    by_app: bool = False
    state: str = "open"
    state_reason: str | None = None
    closed_at: str | None = None
    closed_by: Account | None = None
    locked: bool = False
    labels: list[Label] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    pull: Pull | None = None

    @property
    def label_names(self) -> list[str]:
        return [label.name for label in self.labels]


@dataclass(eq=False)
class Review:
    id: int
    user: Account
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING
    body: str
    commit_id: str
    submitted_at: str


@dataclass(eq=False)
class ReviewComment:
    id: int
    review: Review
    user: Account
    body: str
    path: str
    line: int
    side: str
    created_at: str
    in_reply_to: int | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(eq=False)
class AutoMerge:
    actor: Any  # access.Actor
    method: str
    title: str | None
    message: str | None


@dataclass(eq=False)
class Pull:
    issue: Issue
    head_repository: Repository
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool
    merged_at: str | None = None
    merged_by: Account | None = None
    merge_commit_sha: str | None = None
    auto_merge: AutoMerge | None = None
    requested_reviewers: list[Account] = field(default_factory=list)
    requested_teams: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[ReviewComment] = field(default_factory=list)
    merge_tried: tuple[str, str] = ("", "")  # the base and head whose merge GitHub has tried, in the background

    @property
    def number(self) -> int:
        return self.issue.number

    @property
    def merged(self) -> bool:
        return self.merged_at is not None

    @property
    def open(self) -> bool:
        return self.issue.state == "open"


@dataclass(eq=False)
class CheckSuite:
    id: int
    head_sha: str
    created_at: str


@dataclass(eq=False)
class CheckRun:
    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    started_at: str
    status: str = "queued"
    conclusion: str | None = None
    completed_at: str | None = None
    external_id: str = ""
    details_url: str = ""
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class DeploymentStatus:
    id: int
    state: str
    creator: Account
    description: str
    environment: str
    log_url: str
    environment_url: str
    created_at: str


@dataclass(eq=False)
class Deployment:
    id: int
    sha: str
    ref: str
    task: str
    payload: Any
    environment: str
    description: str | None
    creator: Account
    created_at: str
    updated_at: str
    transient: bool
    production: bool
    statuses: list[DeploymentStatus] = field(default_factory=list)

    @property
    def state(self) -> str | None:
        return self.statuses[-1].state if self.statuses else None


@dataclass(eq=False)
class Protection:
    """Classic branch protection of one branch."""

    branch: str
    contexts: list[str] = field(default_factory=list)
    approvals: int | None = None  # None: a pull request is not required
    enforce_admins: bool = False
    strict: bool = False
    force_pushes: bool = False


@dataclass(eq=False)
class Ruleset:
    id: int
    name: str
    include: list[str]  # ref patterns; ~ALL, ~DEFAULT_BRANCH
    rules: list[dict[str, Any]]
    bypass: set[str] = field(default_factory=set)  # logins


@dataclass(eq=False)
class Attachment:
    id: int
    name: str
    data: bytes
    repository: Repository


@dataclass(eq=False)
class Gist:
    id: str
    owner: Account
    files: dict[str, str]
    created_at: str


@dataclass(eq=False)
class Repository:
    id: int
    owner: Account
    name: str
    private: bool
    created_at: str
    git: Bare
    folder: Path
    default_branch: str = "main"
    parent: Repository | None = None
    auto_merge_allowed: bool = True
    archived: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    teams: set[str] = field(default_factory=set)  # slugs of the teams that may read
    issues: dict[int, Issue] = field(default_factory=dict)  # and pull requests: they share their numbers
    labels: dict[str, Label] = field(default_factory=dict)  # by name in lower case
    suites: list[CheckSuite] = field(default_factory=list)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    environments: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by commit, oldest first
    protections: dict[str, Protection] = field(default_factory=dict)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)  # commits that GitHub signed

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def issue(self, number: int) -> Issue:
        return self.issues[number]

    def pull(self, number: int) -> Pull:
        pull = self.issues[number].pull
        assert pull is not None, f"#{number} is an issue"
        return pull

    @property
    def pulls(self) -> list[Pull]:
        return [issue.pull for issue in list(self.issues.values()) if issue.pull]

    @property
    def open_pulls(self) -> list[Pull]:
        return [pull for pull in self.pulls if pull.open]

    @property
    def comments(self) -> list[Comment]:
        return [comment for issue in list(self.issues.values()) for comment in list(issue.comments)]

    def checks(self, sha: str, name: str | None = None) -> list[CheckRun]:
        """The check runs of a commit, oldest first."""
        return [run for run in list(self.check_runs.values()) if run.head_sha == sha and name in (None, run.name)]

    def role(self, account: Account) -> str:
        if account is self.owner:
            return "admin"
        role = self.roles.get(account.login, "none")
        return "read" if role == "none" and not self.private else role
