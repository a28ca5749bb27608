"""What a run needs from the outside, as protocols. Each real implementation sits beside the thing it speaks to.

Target     runner.targets.local.LocalTarget, runner.targets.modal.target.ModalTarget
Forge      github_app.local_forge.LocalForge, github_app.github.forge.GithubForge
Lookups    runner.lookups.live.LiveLookups, runner.lookups.offline.Offline (declared in codegen.facts, which uses it)
Progress   github_app.cli.progress (rich), runner.progress.Silent
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field, JsonValue

from runner.model import EngineChoice, EngineKind, Environment, Frozen, PullRequest, RunId, StepName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from worktrees.worktree import Worktree


def say_nothing(_line: str) -> None:
    """For callers that nobody listens to."""


class DeploymentSpec(Frozen):
    """What to deploy. The same spec always means the same deployment: that is its idempotency key."""

    run_id: RunId
    attempt: int
    name: str
    folder: Path
    """The app's folder in a checkout: `…/apps/modal/<name>`, with `…/apps/modal/shared` beside it."""
    engine: EngineChoice
    app: str = ""
    """Name of the deployed app where targets have names: `runner.targets.modal.names.app_name` makes it."""
    environment: Environment = "preview"
    owner: str = ""
    """Login of the account that the repository belongs to: whose workspace is used, and paid."""
    tags: dict[str, str] = Field(default_factory=dict)
    """What the deployment is found by beside run and attempt: `runner.targets.modal.names.lane_tags` makes them."""


class Deployment(Frozen):
    """A live deployment."""

    name: str
    url: str
    engine: EngineKind
    startup_seconds: float
    """From start to the first 200 of `/health`; where nothing is started before it is called, to having a URL."""


class ImportFailure(Frozen):
    """A pack that ComfyUI could not import."""

    pack: str
    error: str
    traceback: str


class Preflight(Frozen):
    """What a ComfyUI with its packs says of itself and of the prompt, without a GPU. All of it comes from the app."""

    passed: bool
    engine_version: str | None = None
    imports: tuple[ImportFailure, ...] = ()
    missing_classes: tuple[str, ...] = ()
    """Classes of the prompt that nothing has registered."""
    definitions: dict[str, JsonValue] = Field(default_factory=dict)
    """Of the classes that the prompt uses, as `/object_info` has them."""
    prompt: JsonValue = None
    """The server's refusal of the prompt, `{"error", "node_errors"}`; `None` if it takes it."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of what is installed, by distribution."""
    log_tail: str = ""
    seconds: float = 0.0


class Target(Protocol):
    """A place where apps are deployed."""

    @property
    def name(self) -> str:
        """What reports call it, such as `local`."""
        ...

    @property
    def costs(self) -> bool:
        """Whether money is spent there."""
        ...

    def ensure(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Find the live deployment of `spec`, or make it; clears away a dead one of the same run first.

        Args:
            spec: what to deploy.
            tell: told what happens, a line at a time. What it raises ends the deploying, and comes out here.

        Raises:
            runner.errors.DeployFailed: the app did not come up; carries the tail of its log, and the stage.
        """
        ...

    def preflight(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Preflight:
        """Look, without a GPU, whether the deployment of `spec` could run its prompt. It is there: `ensure` came first.

        Raises:
            runner.errors.DeployFailed: no answer could be had; `stage` is `preflight`.
        """
        ...

    def discard(self, spec: DeploymentSpec, models: Collection[str]) -> None:
        """See to it that models of the app, `folder/file` each, are fetched anew: what is there may be damaged."""
        ...

    def headers(self, spec: DeploymentSpec) -> dict[str, str]:
        """What requests to the deployment must carry. Secret: asked for when it is needed, never put on record."""
        ...

    def keep(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Let the deployment outlive this process; where it is then, which may be another place than before.

        `tell`: as of `ensure`.

        Raises:
            runner.errors.DeployFailed: it had died, or had to be made once more, and did not come up.
        """
        ...

    def serves(self, run_id: RunId) -> bool:
        """Whether what this run has deployed is there, in whatever process."""
        ...

    def stop(self, run_id: RunId) -> None:
        """Stop whatever this run has deployed, in any process. Idempotent."""
        ...

    def log(self, run_id: RunId) -> str:
        """The last lines the deployment printed."""
        ...

    def close(self) -> None:
        """Let go of what this process holds; deployments stay."""
        ...


class Forge(Protocol):
    """Where the pull requests of one repository live.

    Every call is find-or-create, so that a run may repeat it after a crash. Each may raise:

        runner.errors.ForgeUnavailable: no answer, or a failure on its side.
        runner.errors.ForgeBusy: a limit of writes or requests is reached; says until when.
        runner.errors.ForgeRefused: a permission is missing, or a rule of the repository forbids it; says which.
    """

    def publish(self, worktree: Worktree) -> str:
        """Bring the worktree's commits to its branch on the forge; the head there, which may be another commit then.

        Raises:
            worktrees.errors.PushRejected: somebody else pushed meanwhile, or the repository refuses.
        """
        ...

    def draft(self, *, head: str, base: str, title: str, body: str) -> PullRequest | None:
        """Open a draft for `head` if no pull request is open; `None` where nobody would look at a draft."""
        ...

    def propose(self, *, head: str, base: str, title: str, body: str, ready: bool) -> PullRequest:
        """Open the pull request for `head`, or bring the open one up to date.

        `ready`: people may review it; otherwise it stays, or becomes, a draft, where there are drafts.
        """
        ...

    def picture_url(self, *, head: str, path: str) -> str:
        """How Markdown in a pull request on this forge refers to a file of its head branch."""
        ...

    def files_url(self, *, head: str) -> str | None:
        """What people read a head branch's files below; `None` where there is no such page."""
        ...


class Progress(Protocol):
    """Told what a run is doing, as it does it. Called from the run's thread; must be quick and never raise."""

    def started(self, run_id: RunId, step: StepName) -> None:
        """A step begins."""
        ...

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Something happened inside the step; `message` is one line for people."""
        ...

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """A step has ended well, after that many seconds."""
        ...
