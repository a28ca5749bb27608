"""The values a run is made of. All are JSON through pydantic: that is how they survive a crash."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, NewType, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from codegen.lock import Gpu
from codegen.model import Finding
from runner.quality.rules import QualityRules
from runner.variations.model import AdoptRequest, Variations, VaryRequest

RunId = NewType("RunId", str)
"""`run_` and 20 lower-case base-32 characters; also the id of the DBOS workflow."""

RunState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "over-budget", "cancelled"]
"""`over-budget`: what was next, or what was going on, did not fit below a limit of money any more."""
RunKind: TypeAlias = Literal["propose", "redeploy", "production", "vary"]
"""`propose`: a submitted file becomes a pull request. `redeploy`: what is committed on a pull request's branch is
rendered, deployed and tested again. `production`: a merged commit is deployed as it is, and stays. `vary`: what is
committed on a pull request's branch is deployed as it is, and called with a grid of values."""
Environment: TypeAlias = Literal["preview", "production"]
EngineKind: TypeAlias = Literal["comfyui", "stand-in"]
CONFLICT = "conflict-with-base"
"""Code of the finding; such a pull request is not ready."""
QUALITY = "quality"
"""The test of how good the outputs are. What it says is no evidence of a fault in the app."""
StepName: TypeAlias = Literal[
    "analyse",
    "resolve",
    "branch",
    "render",
    "draft",
    "deploy",
    "preflight",
    "test",
    "vary",
    "diagnose",
    "repair",
    "document",
    "propose",
    "finish",
]
STEPS: tuple[StepName, ...] = (
    "analyse", "resolve", "branch", "render", "draft", "deploy", "preflight", "test", "document", "propose", "finish",
)  # fmt: skip
"""Those of a run whose first attempt gets through."""
REPAIR_STEPS: tuple[StepName, ...] = ("diagnose", "repair")
"""After an attempt that did not."""
TRIED_AGAIN: tuple[StepName, ...] = ("deploy", "preflight", "test")
"""In each attempt."""
PRODUCTION_STEPS: tuple[StepName, ...] = ("analyse", "branch", "deploy", "preflight", "test", "finish")
VARY_STEPS: tuple[StepName, ...] = ("analyse", "branch", "deploy", "vary", "document", "finish")


def steps_of(kind: RunKind, *, drafts: bool) -> tuple[StepName, ...]:
    """The steps of a run, in their order. `drafts`: where the pull request is for, there are drafts."""
    steps = {"production": PRODUCTION_STEPS, "vary": VARY_STEPS}.get(kind, STEPS)
    return tuple(step for step in steps if drafts or step != "draft")


_left_out_if_unset = Field(exclude_if=lambda value: not value)
"""Fields of some runs only are not in the rows of the others."""


class Frozen(BaseModel):
    """Base of our values."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineChoice(Frozen):
    """Which ComfyUI the local target talks to. Exactly one of `url` and `path`, or neither for the stand-in."""

    url: str | None = None
    path: Path | None = None


class GithubRepository(Frozen):
    """A repository on GitHub, as an installation of the App sees it."""

    installation: int
    id: int
    full_name: str
    """`owner/name` at the time of the event; the id is what stays when it is renamed."""


Repository: TypeAlias = Path | GithubRepository
"""Where a pull request is for: the absolute path of a repository on this machine, or one on GitHub."""


def repository_key(repository: Repository) -> str:
    """What runs of one repository have in common, whatever it is called today."""
    return f"github:{repository.id}" if isinstance(repository, GithubRepository) else str(repository)


class Lane(NamedTuple):
    """What has at most one active run: an app of a repository in an environment."""

    repo: str
    name: str
    environment: Environment


class Origin(Frozen):
    """Who asked for a run, and in which conversation on the forge."""

    sender: str
    """Login of the person."""
    issue: int | None = None
    """The issue that holds the workflow: the pull request closes it."""
    pull: int | None = None
    """The pull request that the run is about."""
    comment: int | None = None
    """The comment with the command."""


class Answer(Frozen):
    """What a person decided where the workflow leaves it open."""

    about: Literal["pack", "model"]
    name: str
    """Class of a node, or `folder/file` of a model."""
    value: str
    """Address of the repository, perhaps with `@commit`; or of the file."""


class RunRequest(Frozen):
    """Everything a run needs to be carried out again after a crash."""

    kind: RunKind = "propose"
    repo: Repository
    base: str
    """Branch the pull request is opened against."""
    commit: str | None = None
    """`production`: the commit to deploy. `redeploy`: the head that was asked for; the branch's tip counts."""
    branch: str | None = None
    """`redeploy`: head of the pull request; by default Flowberth's own branch for the app."""
    environment: Environment = "preview"
    origin: Origin | None = None
    closes_issue: bool = True
    """Whether merging the pull request is all that the issue asked for."""
    answers: tuple[Answer, ...] = ()
    budget_usd: float | None = None
    """The most that may be spent; `None` for the default."""
    monthly_budget_usd: float | None = None
    """The most that all runs of the repository may spend in a month, as its settings say; `None`: they do not."""
    filename: str
    """Name of the submitted file, for the title and for messages; never used as a path."""
    workflow: bytes
    """The submitted file."""
    name: str | None = None
    """App name asked for; by default made from the workflow's title or file name."""
    core: str | None = None
    gpu: Gpu | None = None
    gpus: tuple[Gpu, ...] | None = None
    """Those that the repository's settings allow; `None`: all."""
    engine: EngineChoice = EngineChoice()
    quality: QualityRules = QualityRules()
    """What outputs are held to, as the repository's settings say."""
    reference: bytes | None = None
    """A picture that the result should look like, as the issue shows it; small, and nothing but pixels."""
    keep: bool = False
    """Leave the app serving when the run has ended."""
    adopt: Annotated[AdoptRequest | None, _left_out_if_unset] = None
    """`redeploy`: a variation whose values are to be the app's defaults before it is rendered."""
    vary: Annotated[VaryRequest | None, _left_out_if_unset] = None
    """`vary`: what is to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    @property
    def closes(self) -> int | None:
        """The issue that a merge closes."""
        return self.origin.issue if self.origin and self.closes_issue else None

    @property
    def repo_key(self) -> str:
        """The repository, as rows and leases name it."""
        return repository_key(self.repo)


class TestResult(Frozen):
    """One test of a deployed endpoint."""

    __test__ = False  # not a pytest class

    name: str
    passed: bool
    seconds: float
    detail: str


class Cost(Frozen):
    """US dollars. `estimate` is seconds × the price table; `actual` comes from a bill."""

    usd: float
    basis: Literal["estimate", "actual"]
    execution_seconds: float = 0.0
    cold_start_seconds: float = 0.0
    usd_per_second: float = 0.0


class Sample(Frozen):
    """What the test run produced, as committed next to the app."""

    file: str
    """`sample.png`, `sample.mp4`, `sample.flac`, `sample.glb`, `sample.txt` or another that says what it is."""
    media_type: str
    data: bytes
    width: int | None = None
    """Pixels of the output, if it is a picture; so is `height`. The sample may be smaller."""
    height: int | None = None
    preview: bytes | None = None
    """A PNG to look at, when the sample is no picture itself: frames of a video, the wave of a sound, a mesh."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    @property
    def picture_file(self) -> str | None:
        """Name of the file to look at: the sample itself, or `sample.png` for its preview."""
        if self.media_type.startswith("image/"):
            return self.file
        return "sample.png" if self.preview is not None else None


class Measure(Frozen):
    """One thing that was measured of an output."""

    name: str
    """Such as `sharpness` or `reference-ssim`."""
    value: float
    unit: str = ""
    score: float
    """0 (bad) to 10 (good), by the formula in docs/quality.md."""
    passed: bool = True
    """Whether it is on the right side of its limit; what has no limit passes."""
    limit: Annotated[float | None, _left_out_if_unset] = None
    """The lowest score that passes; left out where none fails."""
    detail: str = ""
    """What was found, and against what; one line for people."""


class OutputQuality(Frozen):
    """What was measured of one output of the sample call."""

    output: str
    """Name of the output in the interface."""
    kind: str
    """`image`, `video`, `audio`, `mesh` or `text`."""
    score: float
    """0 to 10."""
    measures: tuple[Measure, ...]

    @property
    def passed(self) -> bool:
        """Whether every measure does."""
        return all(measure.passed for measure in self.measures)


class Opinion(Frozen):
    """What a language model thinks of an output. It decides nothing."""

    output: str
    score: float
    """0 to 10."""
    words: str
    """Written by a model that has seen hostile text: escaped wherever it is shown."""
    model: str
    usd: float


class Attempt(Frozen):
    """One attempt of a run, as people are told of it."""

    number: int
    commit: str | None = None
    outcome: str
    """What came of it, in a sentence."""
    change: str | None = None
    """What was changed for the next one."""


class ReviewedPin(Frozen):
    """What a reviewer should know of something pinned that comes from others."""

    kind: Literal["pack", "model"]
    name: str
    """Of the pack, or `folder/file` of the model."""
    licence: str | None
    """An SPDX identifier, or what its host calls it; `null` if nobody knows."""
    notes: str = ""
    """What of it wants a look; empty if nothing does."""


class Report(Frozen):
    """The outcome of testing one deployment: `report.json`, and what PR body and knowledge base are written from."""

    name: str
    run_id: str
    attempt: int
    engine: EngineKind
    engine_version: str
    target: str
    tested_at: datetime
    tests: tuple[TestResult, ...]
    cost: Cost
    cold_start_seconds: float
    warm_seconds: float | None
    """Response time of a second, warm request."""
    seed: int | None
    """Seed of the sample, so that it can be made again."""
    quality: tuple[OutputQuality, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    pins: Annotated[tuple[ReviewedPin, ...], _left_out_if_unset] = ()
    """Packs and models, with their licences."""
    findings: Annotated[tuple[Finding, ...], _left_out_if_unset] = ()
    """What people should know of the workflow, and what is asked of them."""
    attempts: Annotated[tuple[Attempt, ...], _left_out_if_unset] = ()
    """How the run came here: what became of each attempt, and what was changed for the next one."""

    @property
    def simulated(self) -> bool:
        """Whether no ComfyUI had a part in it: a simulated success is no deployment that worked."""
        return self.engine != "comfyui"

    @property
    def passed(self) -> bool:
        """Whether there are tests, and none failed."""
        return bool(self.tests) and all(test.passed for test in self.tests)


class PullRequest(Frozen):
    """A pull request on a forge."""

    number: int
    title: str
    body: str
    head: str
    base: str
    url: str
    state: Literal["open", "merged", "closed"] = "open"
    draft: bool = False


class PullRequestRef(Frozen):
    """What a run's result says of its pull request."""

    number: int
    title: str
    url: str


class RunResult(Frozen):
    """What `flowberth up --json` prints: the contract with scripts."""

    run_id: str
    state: RunState
    name: str | None
    repo: str
    branch: str | None
    commit: str | None
    app_dir: str | None
    """Relative to the repository's root, with forward slashes."""
    endpoint: str | None
    engine: EngineKind
    attempts: int
    tests: tuple[TestResult, ...] = ()
    cost: Cost | None = None
    pr: PullRequestRef | None = None
    findings: tuple[Finding, ...] = ()
    reason: str | None = None
    """Why it failed, was cancelled or ran out of budget, and what to do next."""
    variations: Annotated[Variations | None, _left_out_if_unset] = None
    """Of a run of the kind `vary`."""


class StepProgress(Frozen):
    """One step of a run, as far as it has come."""

    step: StepName
    began_at: datetime
    seconds: float | None = None
    """How long it took, once it has ended well."""
    detail: str | None = None
    """The last thing that was said inside it; one line."""


class RunProgress(Frozen):
    """What can be told of a run while it goes on; kept with its row."""

    steps: tuple[StepProgress, ...] = ()
    attempt: int = 1
    attempts: tuple[Attempt, ...] = ()
    """Those that have ended."""
    spent_usd: float = 0.0
    title: str | None = None
    commit: str | None = None
    """Head of the branch on the forge, once something was pushed."""
    pull: PullRequestRef | None = None
    endpoint: str | None = None
    findings: tuple[Finding, ...] = ()
    variations: Annotated[Variations | None, _left_out_if_unset] = None
