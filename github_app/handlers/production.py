"""Putting a merged commit into production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from runner.model import Lane, Origin, RunRequest, repository_key

if TYPE_CHECKING:
    from codegen.model import AppName
    from github_app.handlers.talk import Talk
    from runner.records import RunRecord


def to_production(talk: Talk, name: AppName, commit: str, *, base: str) -> RunRecord:
    """Ask for a run that deploys an app as it is at `commit`, and leaves it serving.

    Raises:
        CannotDo: the commit has no such app, or the repository's settings do not want it in production.
    """
    if talk.rules.environments.production is None:
        raise CannotDo("nothing of this repository goes to production, says .github/flowberth.yml")
    if not talk.rules.allows_base(base, default=talk.api.default_branch()):
        raise CannotDo(
            f"what is merged into {base} does not go to production; `branches` in .github/flowberth.yml decides"
        )
    workflow = talk.api.file(f"apps/modal/{name}/workflow.json", commit)
    if workflow is None:
        raise CannotDo(f"apps/modal/{name}/workflow.json is not in {commit[:12]}")
    request = RunRequest(
        kind="production",
        environment="production",
        repo=talk.api.about().reference,
        base=base,
        commit=commit,
        filename="workflow.json",
        workflow=workflow,
        name=name,
        engine=talk.doors.engine,
        keep=True,
        gpus=talk.rules.gpus,
        budget_usd=talk.rules.budget_usd,
        monthly_budget_usd=talk.rules.monthly_budget_usd,
        quality=talk.rules.quality,
        origin=Origin(sender=talk.sender, pull=talk.number if talk.is_pull else None, comment=talk.comment),
    )
    return talk.doors.runs.ask(request, name, key=f"{talk.key}/{name}")


def is_overtaken(talk: Talk, name: AppName, commit: str) -> bool:
    """Whether production has had a commit that already holds this one: an event that comes late changes nothing."""
    known = {
        record.progress.commit or talk.doors.records.request(record.id).commit
        for record in talk.doors.records.of_app(repository_key(talk.repository), name)
        if record.environment == "production"
    }
    return any(
        other is not None and other != commit and talk.api.compare(commit, other).behind_by == 0 for other in known
    )


def serving(talk: Talk, name: AppName) -> str | None:
    """The commit that is in production now."""
    for record in talk.doors.records.serving(lane(talk, name)):
        return talk.doors.records.request(record.id).commit
    return None


def versions(talk: Talk, name: AppName) -> tuple[tuple[str, str], ...]:
    """`(tag, commit)` of what was in production, newest first. Versions count the commits that got there and worked."""
    commits: dict[str, None] = {}
    for record in reversed(talk.doors.records.of_app(repository_key(talk.repository), name)):
        if record.environment == "production" and record.state == "succeeded" and record.result:
            commits.setdefault(record.result.commit or "")
    numbered = [(tag_of(name, number), commit) for number, commit in enumerate(commits, 1) if commit]
    return tuple(reversed(numbered))


def tag_of(name: str, version: int) -> str:
    """The git tag of a version."""
    return f"{name}/v{version}"


def lane(talk: Talk, name: AppName) -> Lane:
    """Where an app's production runs are."""
    return Lane(repository_key(talk.repository), name, "production")
