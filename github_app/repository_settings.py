"""`.github/flowberth.yml`: what a repository's people decide about Flowberth, reviewed like any other change.

The JSON Schema for editors, `docs/schemas/flowberth.schema.json`, is made from these models: `json_schema`.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints, ValidationError, field_validator

from codegen.lock import Gpu
from codegen.model import Frozen
from codegen.strict_yaml import Document, InvalidYaml, load
from github_app.commands.values import MAX_BUDGET_USD, MAX_MONTHLY_BUDGET_USD, Choice, Target, did_you_mean, shown
from github_app.errors import GithubAppError
from runner.quality.rules import QualityRules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

PATH: Final = ".github/flowberth.yml"
DEFAULT_BUDGET_USD: Final = 20.0
MAX_ENTRIES: Final = 50
"""Of any list."""
MAX_PROBLEMS: Final = 50
"""Of one file; nobody reads more."""
SCHEMA_ID: Final = "https://raw.githubusercontent.com/flowberth/flowberth/main/docs/schemas/flowberth.schema.json"

Dollars = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Person = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9][A-Za-z0-9-]{0,38}(\[bot\])?$")]
PersonOrTeam = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\\]{1,200}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$")]


class Environments(Frozen):
    """GitHub's environments that deployments are shown in. Who may deploy is GitHub's own protection of them."""

    preview: EnvironmentName = Field(default="preview", description="Environment of pull requests.")
    production: EnvironmentName | None = Field(
        default="production", description="Environment of merged commits; `null`: what is merged is not deployed."
    )


class AutoMerge(Frozen):
    """Whether a pull request that passed is merged without a person. GitHub's branch protection is always kept."""

    when: Literal["never", "when-green"] = Field(
        default="never", description="`when-green`: as soon as all tests and required checks have passed."
    )
    method: Literal["squash", "merge", "rebase"] = Field(default="squash", description="How it is merged.")
    authors: tuple[Person, ...] = Field(
        default=(),
        max_length=MAX_ENTRIES,
        description="Only what these people asked for; empty: anybody with write permission.",
    )
    paths: tuple[Pattern, ...] = Field(
        default=(),
        max_length=MAX_ENTRIES,
        description="Only if every changed file matches one of these patterns; empty: any file.",
    )

    def allows(self, *, asked_by: str, changed: Iterable[str]) -> bool:
        """Whether a pull request of green checks may be merged by itself.

        Args:
            asked_by: login of the person who asked for the run.
            changed: paths of all files that it changes.
        """
        if self.when == "never":
            return False
        authors = {_login(each) for each in self.authors}
        return (not authors or _login(asked_by) in authors) and (
            not self.paths or all(matches(path, self.paths) for path in changed)
        )


class Notifications(Frozen):
    """What people are told, and who."""

    labels: bool = Field(
        default=True,
        strict=True,
        description="Put labels such as `flowberth:running` on issues and pull requests.",
    )
    comments: Literal["progress", "result", "questions"] = Field(
        default="progress",
        description="`progress`: one comment that is kept up to date; `result`: one comment when a run has ended; "
        "`questions`: only where a person has to act.",
    )
    mention: tuple[PersonOrTeam, ...] = Field(
        default=(), max_length=MAX_ENTRIES, description="People and teams to mention when a run fails or needs input."
    )


class RepositorySettings(Frozen):
    """Settings of Flowberth for this repository. They are read from its default branch; nothing is required."""

    budget_usd: Dollars = Field(
        default=DEFAULT_BUDGET_USD,
        le=MAX_BUDGET_USD,
        description="The most that one run may spend, in US dollars. Whoever asks for a run may lower it.",
    )
    monthly_budget_usd: Dollars | None = Field(
        default=None,
        le=MAX_MONTHLY_BUDGET_USD,
        description="The most that all runs of this repository may spend in a calendar month (UTC), in US dollars. "
        "Without it, what the server allows.",
    )
    gpus: tuple[Gpu, ...] | None = Field(
        default=None, min_length=1, description="GPUs that apps may use. Without it, all."
    )
    target: Target | None = Field(
        default=None, description="Where apps are deployed. Without it, where the server says."
    )
    environments: Environments = Field(default=Environments(), description="Names of the environments on GitHub.")
    auto_merge: AutoMerge = Field(
        default=AutoMerge(),
        description="Whether what passed is merged by itself: `never`, `when-green`, or for whom and what.",
    )
    paths: tuple[Pattern, ...] = Field(
        default=("**",), max_length=MAX_ENTRIES, description="Where workflows may be in this repository, as patterns."
    )
    branches: tuple[Pattern, ...] = Field(
        default=(),
        max_length=MAX_ENTRIES,
        description="Branches whose pull requests are for Flowberth, as patterns; empty: the default branch.",
    )
    reviewers: tuple[PersonOrTeam, ...] = Field(
        default=(),
        max_length=MAX_ENTRIES,
        description="People and teams that are asked for a review, beside the code owners.",
    )
    notifications: Notifications = Field(default=Notifications(), description="What people are told, and who.")
    quality: QualityRules = Field(
        default=QualityRules(), description="From which score on a result is good enough; docs/quality.md explains it."
    )
    verified_commits: bool = Field(
        default=False,
        strict=True,
        description="Make commits through GitHub's API, which signs them, instead of a push.",
    )

    @field_validator("auto_merge", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"when": value} if isinstance(value, str) else value

    def allows_gpu(self, gpu: Gpu | None) -> bool:
        """Whether an app may use it; none at all is always fine."""
        return gpu is None or self.gpus is None or gpu in self.gpus

    def allows_path(self, path: str) -> bool:
        """Whether a workflow may be at a path of the repository."""
        return matches(path, self.paths)

    def allows_base(self, branch: str, *, default: str) -> bool:
        """Whether pull requests for a branch are for us."""
        return matches(branch, self.branches) if self.branches else branch == default


DEFAULTS: Final = RepositorySettings()


class Problem(Frozen):
    """What is wrong with a settings file."""

    line: int
    """From 1."""
    field: str
    """`auto_merge.when`; empty for the file as a whole."""
    message: str
    suggestion: str | None = None
    """What was probably meant."""

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{where}: {self.message}" + (f"; did you mean {self.suggestion}?" if self.suggestion else "")


class InvalidRepositorySettings(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """The file cannot be used. Until it is put right, nothing is deployed from the repository."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def parse_repository_settings(data: bytes) -> RepositorySettings:
    """Read `.github/flowberth.yml`. An empty file is the defaults.

    Raises:
        InvalidRepositorySettings: with everything that is wrong, up to `MAX_PROBLEMS`.
    """
    try:
        document = load(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidRepositorySettings((Problem(line=1, field="", message="the file is not UTF-8"),)) from None
    except InvalidYaml as error:
        raise InvalidRepositorySettings((Problem(line=error.line, field="", message=str(error)),)) from None
    if document.value is None:
        return DEFAULTS
    try:
        return RepositorySettings.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        inside = {tuple(each["loc"][:-1]) for each in errors}
        told = [
            _problem(each, document) for each in errors if not (each["type"] == "too_short" and each["loc"] in inside)
        ]
        raise InvalidRepositorySettings(
            tuple(sorted(told, key=lambda each: (each.line, each.field))[:MAX_PROBLEMS])
        ) from None


def _problem(error: ErrorDetails, document: Document) -> Problem:
    path = tuple(error["loc"])
    message, suggestion = _told(error, path)
    return Problem(
        line=document.line(path), field=shown(".".join(map(str, path))), message=message, suggestion=suggestion
    )


def _told(  # noqa: PLR0911 - one sentence per kind of error
    error: ErrorDetails, path: tuple[int | str, ...]
) -> tuple[str, str | None]:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return "there is no such setting", did_you_mean(str(path[-1]), _fields(path[:-1]))
        case "literal_error":
            return f"must be {context['expected']}", _nearest(error["input"], str(context["expected"]))
        case "model_type":
            return "must hold settings, one per line, as key: value", None
        case "tuple_type":
            return "must be a list", None
        case "bool_type":
            return "must be true or false", None
        case "float_type":
            return "must be a number, without quotes", None
        case "too_short":
            return "must not be empty", None
        case "too_long":
            return f"has {context['actual_length']} entries; at most {context['max_length']} are taken", None
        case "string_pattern_mismatch":
            return f"{shown(str(error['input']))} cannot be used here", None
        case _:
            return error["msg"].replace("Input should", "should"), None


def _nearest(given: object, expected: str) -> str | None:
    return Choice("", re.findall(r"'([^']*)'", expected)).meant(given)


def _fields(path: tuple[int | str, ...]) -> list[str]:
    """The settings that there are at a place of the file."""
    model: type[BaseModel] = RepositorySettings
    for name in path:
        field = model.model_fields.get(str(name))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        model = field.annotation
    return list(model.model_fields)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = RepositorySettings.model_json_schema()
    short = {"enum": ["never", "when-green"], "type": "string"}
    whole = schema["properties"]["auto_merge"]
    schema["properties"]["auto_merge"] = {
        "anyOf": [short, {"$ref": whole.pop("$ref")}],
        **whole,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern fits: `*` is anything within a name, `**` any folders, a slash at the end all below."""
    return any(_fits(path.split("/"), pattern) for pattern in patterns)


def _fits(names: list[str], pattern: str) -> bool:
    wanted = pattern.removeprefix("./").removeprefix("/")
    reached = {0}
    for piece in f"{wanted}**".split("/") if wanted.endswith("/") else wanted.split("/"):
        if piece == "**":
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(names) and fnmatchcase(names[at], piece)}
        if not reached:
            return False
    return len(names) in reached


def _login(text: str) -> str:
    return text.removeprefix("@").lower()
