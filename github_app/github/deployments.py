"""Deployments and their states."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from githubkit.utils import UNSET

from github_app.github.connection import PAGE, nothing
from github_app.github.model import DeploymentInfo, Value
from github_app.github.reading import person_of
from github_app.github.subject import Subject
from github_app.github.text import cut_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github_app.github.model import DeploymentState

KEY = "flowberth"
"""In the payload of a deployment: what makes it ours to find."""
TASK = "deploy"
LONGEST_DESCRIPTION = 140
"""Characters, says GitHub."""


class Deployments(Subject):
    """What of the repository runs where."""

    def deployment(
        self, sha: str, environment: str, key: str, *, description: str = "", production: bool = False
    ) -> int:
        """Find our deployment of that commit to the environment with this key, or create it; its id."""

        def find() -> DeploymentInfo | None:
            there = self._ours(environment, sha)
            return next((one for one in there if (one.sha, one.key) == (sha, key)), None)

        def create() -> DeploymentInfo:
            return self._change(
                _made_of,
                self._rest.repos.create_deployment,
                data={
                    "ref": sha,
                    "task": TASK,
                    "auto_merge": False,
                    "required_contexts": [],  # else a commit whose checks are not green yet is refused
                    "payload": {KEY: key},
                    "environment": environment,
                    "description": cut_line(description, LONGEST_DESCRIPTION),
                    "production_environment": production,
                    "transient_environment": not production,
                },
            ).info

        return self._find_or_create(f"deployment {sha} {environment} {key}", find, create)[0].id

    def deployments(self, environment: str | None = None) -> tuple[DeploymentInfo, ...]:
        """The latest hundred of ours, newest first."""
        return tuple(islice(self._ours(environment), PAGE))

    def deployment_status(
        self,
        deployment: int,
        state: DeploymentState,
        *,
        url: str | None = None,
        log_url: str | None = None,
        description: str = "",
    ) -> None:
        """Say how it is with a deployment, unless that was said last. `url`: of what serves, for its button."""
        words = cut_line(description, LONGEST_DESCRIPTION)
        wanted = _Status(state=state, url=url or "", log_url=log_url or "", description=words)
        last = self._read(_last_status, self._rest.repos.list_deployment_statuses, deployment, per_page=1)
        if last == wanted:
            return
        said: Any = {"state": state, "description": words, "auto_inactive": True}
        if url is not None:
            said["environment_url"] = url
        if log_url is not None:
            said["log_url"] = log_url
        self._change(nothing, self._rest.repos.create_deployment_status, deployment, data=said)

    def _ours(self, environment: str | None, sha: str | None = None) -> Iterator[DeploymentInfo]:
        made = self._pages(
            _made_of,
            self._rest.repos.list_deployments,
            task=TASK,
            environment=UNSET if environment is None else environment,
            sha=UNSET if sha is None else sha,
        )
        return (one.info for one in made if one.info.key and self._is_ours(one.creator))


class _Made(Value):
    info: DeploymentInfo
    creator: str


class _Status(Value):
    state: str
    url: str
    log_url: str
    description: str


def _made_of(said: Any) -> _Made:  # noqa: ANN401 - JSON
    key = _key_in(said.get("payload"))
    info = DeploymentInfo(id=said["id"], sha=said["sha"], environment=said["environment"], key=key)
    return _Made(info=info, creator=person_of(said.get("creator")).login)


def _key_in(payload: Any) -> str:  # noqa: ANN401 - JSON
    """Others put anything into theirs; and GitHub may give an object back as the text that it was."""
    try:
        said = json.loads(payload) if isinstance(payload, str) else payload
        return str(said[KEY])
    except (ValueError, TypeError, KeyError):
        return ""


def _last_status(said: Any) -> _Status | None:  # noqa: ANN401 - JSON
    if not said:
        return None
    newest = said[0]
    return _Status(
        state=newest["state"],
        url=newest.get("environment_url") or "",
        log_url=newest.get("log_url") or "",
        description=newest.get("description") or "",
    )
