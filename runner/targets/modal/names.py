"""What deployed apps are called, and the tags by which they are found again. Pure.

Modal's rules (client 1.6.4): names have 1 to 64 of `[A-Za-z0-9-_.]`; keys and values of an app's tags 1 to 63 of the
same; the label of one version 1 to 50 of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.lock import ModelPin
    from runner.model import Environment

LONGEST_NAME = 64
LONGEST_TAG = 63
LONGEST_LABEL = 50

REPOSITORY = "flowberth-repository"
APP = "flowberth-app"
ENVIRONMENT = "flowberth-environment"
PULL = "flowberth-pull"
COMMIT = "flowberth-commit"
RUN = "flowberth-run"
ATTEMPT = "flowberth-attempt"
CONTENT = "flowberth-content"
"""Hash of all files that were deployed."""
LANE = (REPOSITORY, APP, ENVIRONMENT, PULL)
"""What has these in common is the same app, in an older or a newer version."""
DEPLOYMENT = (REPOSITORY, APP, ENVIRONMENT, RUN, ATTEMPT)
"""What has these in common is what one spec means."""

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def app_name(name: str, *, environment: Environment, pull: int | None = None) -> str:
    """What an app is called when it is deployed: its own name is for production alone."""
    if environment == "production":
        return _fitted(name, "")
    return _fitted(name, "-preview" if pull is None else f"-pr{pull}")


def candidate_name(app: str) -> str:
    """Where what is to go into production is tested before."""
    return _fitted(app, "-next")


def name_apart(app: str, tags: Mapping[str, str]) -> str:
    """Another name for the same app, where a stranger has the first one."""
    return _fitted(app, "-" + _digest(tags.get(REPOSITORY, ""))[:6])


MODELS_VOLUME = "flowberth-models"
"""Of all apps of a workspace (`MODELS` of a generated `app.py`)."""


def model_place(model: ModelPin) -> str | None:
    """Where in that Volume a file is that nobody could check when it came, having no hash; `None` of any other.

    As the runtime places it (`_place` of its `models.py`).
    """
    if model.sha256 is not None or model.url is None:
        return None
    return f"url/{hashlib.sha256(model.url.encode()).hexdigest()}"


def volume_name(app: str) -> str:
    """The one Volume that belongs to a deployed app alone, and goes when it goes."""
    return _fitted(app, "-own")


def lane_tags(
    repository: str, name: str, *, environment: Environment, pull: int | None = None, commit: str | None = None
) -> dict[str, str]:
    """`DeploymentSpec.tags`. `repository`: as `runner.model.repository_key` names it."""
    kind, _, number = repository.partition(":")
    known = kind == "github" and number.isdecimal()
    tags = {
        REPOSITORY: f"github-{number}" if known else f"local-{_digest(repository)[:16]}",
        APP: name,
        ENVIRONMENT: environment,
    }
    if pull is not None:
        tags[PULL] = str(pull)
    if commit is not None:
        tags[COMMIT] = commit
    return {key: tag_value(value) for key, value in tags.items()}


def same_lane(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether both are the same app, at whatever version. What has no tags of ours is a stranger."""
    return REPOSITORY in one and all(one.get(key) == other.get(key) for key in LANE)


def version_label(tags: Mapping[str, str]) -> str:
    """Of one version in the app's history on Modal: commit, run and attempt, as far as there is room."""
    parts = (tags.get(COMMIT, "")[:12], tags.get(RUN, ""), tags.get(ATTEMPT, ""))
    return tag_value("_".join(part for part in parts if part))[:LONGEST_LABEL]


def tag_value(text: str) -> str:
    """Text as a tag can hold it."""
    return _UNFIT.sub("-", text)[:LONGEST_TAG] or "-"


def _fitted(stem: str, suffix: str) -> str:
    return _UNFIT.sub("-", stem)[: LONGEST_NAME - len(suffix)].rstrip("-") + suffix


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
