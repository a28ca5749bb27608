"""An entry of the knowledge base: what one deployment of a workflow was made of, and what it took.

What is here is the front matter of `patterns/<name>.md`; its JSON Schema is `docs/schemas/knowledge-entry.schema.json`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from codegen.lock import (
    Argument,
    Bound,
    Commit,
    GitHttpsUrl,
    Gpu,
    ModelPath,
    ModelUrl,
    ProjectName,
    Requirement,
    SafeName,
    SystemPackage,
    Version,
)

SCHEMA_ID: Final = "https://raw.githubusercontent.com/flowberth/flowberth/main/docs/schemas/knowledge-entry.schema.json"
FORMAT: Final = 1
"""Raised when a reader of an older entry would misunderstand a newer one."""
MOST: Final = 500
"""Of whatever is listed."""
LONGEST_LINE: Final = 300
LONGEST_NAME: Final = 400
"""Of a node's class or an input: as long as `codegen` takes them."""


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has characters that cannot be seen")
    return text


Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_one_line)]
Source = Annotated[str, Field(max_length=120), AfterValidator(_one_line)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
Link = Annotated[str, Field(pattern=r"^[A-Za-z0-9:/._~#%+-]+$", max_length=500)]


class Told(BaseModel):
    """Base of what an entry has: immutable. Fields that are not known are passed over: people may add their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PackUsed(Told):
    """A custom-node pack, at the commit that was tested."""

    name: SafeName
    repository: GitHttpsUrl
    commit: Commit
    version: Line | None = None
    """Of the registry, if the workflow names one: the commit is that of this version."""
    licence: Line | None = None
    source: Source
    """Who says that the classes come from it, and which commit: as in `app.lock.json`."""


class ModelUsed(Told):
    """A model file, as it was fetched."""

    folder: ModelPath
    file: ModelPath
    url: ModelUrl | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None
    source: Source
    """Who says where it is: as in `app.lock.json`."""


class Issue(Told):
    """A failure on the way, and what was done about it."""

    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    """Of the table in docs/repair.md; `unmatched` for one that has none."""
    subject: Line = ""
    """What exactly it was about, such as a module."""
    cause: Line
    quote: Annotated[Line, Field(exclude_if=lambda quote: not quote)] = ""
    """The line of a log that told it."""
    fix: Line | None = None
    """What was changed; `None`: it was tried again as it was, or nothing was left to try."""
    foreseen: Annotated[bool, Field(exclude_if=lambda foreseen: not foreseen)] = False
    """It was not met again: the fix was applied before anything failed."""
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.json$")] | None = None
    """In `learnings/fixes/`, where the fix is kept for other workflows."""


class Cost(Told):
    """US dollars."""

    call: Dollars
    """A warm call, from seconds and price."""
    build: Dollars | None = None
    """All builds of the run; like the rest, `None` where nothing is paid or nothing was counted."""
    tests: Dollars | None = None
    """Fetching models, preflights and tests."""
    total: Dollars | None = None
    basis: Literal["estimate", "actual"] = "estimate"
    """`actual`: every bill had come when this was written."""


class ActualCost(Told):
    """US dollars that the bills of a run have come to, all of which came after its entry was written."""

    run: RunName
    build: Dollars
    tests: Dollars
    total: Dollars


class Performance(Told):
    """Seconds."""

    cold_start: Seconds
    generation: Seconds | None = None
    """Of a warm call."""


class Scaling(Told):
    """How many containers, and for how long they idle."""

    min_containers: Annotated[int, Field(ge=0)]
    max_containers: Annotated[int, Field(ge=1)]
    scaledown_window_seconds: Annotated[int, Field(ge=0)]


class Entry(Told):
    """What is known of a workflow's last tested deployment."""

    format: Literal[1] = FORMAT
    name: SafeName
    """Of the app: `apps/modal/<name>`."""
    title: Line
    tested: date
    run: RunName
    engine: Literal["comfyui", "stand-in"]
    simulated: bool
    """Whether no ComfyUI had a part in it. Of such an entry nothing is believed."""
    passed: bool
    """Whether all tests passed."""
    attempts: Annotated[int, Field(ge=1)]
    comfyui: Version
    arguments: Annotated[tuple[Argument, ...], Field(max_length=MOST)] = ()
    python: Version
    packages_until: date
    """Nothing published later was installed."""
    runtime: Version
    """Of `apps/modal/shared`, which brings packages of its own."""
    packages: Annotated[tuple[Requirement, ...], Field(max_length=MOST)] = ()
    overrides: Annotated[tuple[Bound, ...], Field(max_length=MOST)] = ()
    constraints: Annotated[tuple[Bound, ...], Field(max_length=MOST)] = ()
    excluded: Annotated[tuple[ProjectName, ...], Field(max_length=MOST)] = ()
    system: Annotated[tuple[SystemPackage, ...], Field(max_length=MOST)] = ()
    gpu: Gpu | None
    """`None`: on CPU alone."""
    cpu: Annotated[float, Field(gt=0)]
    memory_mib: Annotated[int, Field(gt=0)]
    scaling: Scaling
    cost: Cost
    performance: Performance
    sample: Line | None = None
    """In the app's folder: what the test run made."""
    links: Annotated[dict[Name, Link], Field(max_length=20)] = Field(default_factory=dict)
    inputs: Annotated[dict[Name, Line], Field(max_length=MOST)] = Field(default_factory=dict)
    """Kind of each."""
    outputs: Annotated[dict[Name, Line], Field(max_length=MOST)] = Field(default_factory=dict)
    packs: Annotated[tuple[PackUsed, ...], Field(max_length=MOST)] = ()
    models: Annotated[tuple[ModelUsed, ...], Field(max_length=MOST)] = ()
    issues: Annotated[tuple[Issue, ...], Field(max_length=MOST)] = ()
    classes: Annotated[tuple[Name, ...], Field(max_length=MOST)] = ()
    """Of the nodes."""
    actual_cost: ActualCost | None = None
    """Of the last deployment whose bills have all come: that of `run`, unless the app was tested again since."""

    @property
    def billed(self) -> ActualCost | None:
        """What this very deployment has cost by its bills, where they came after `cost` was written."""
        return self.actual_cost if self.actual_cost and self.actual_cost.run == self.run else None

    @property
    def awaits_bills(self) -> bool:
        """Whether `cost` is an estimate of something that is paid, and no bill is noted."""
        return self.cost.total is not None and self.cost.basis == "estimate" and self.billed is None

    @property
    def believed(self) -> bool:
        """Whether it worked on a ComfyUI itself: only then anything is taken from it."""
        return self.passed and not self.simulated and self.engine == "comfyui"


def json_schema() -> dict[str, Any]:
    """For editors, and for whoever reads the entries with other programs."""
    schema = Entry.model_json_schema()
    schema.pop("title", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Front matter of a knowledge-base entry of Flowberth",
        **schema,
    }
