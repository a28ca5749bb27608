"""Deploying again what is committed on a pull request's branch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codegen.errors import InvalidName
from codegen.naming import app_name
from github_app.handlers.errors import Explained, NotOurs
from github_app.telling import pages
from runner.model import RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.lock import Gpu
    from codegen.model import AppName
    from github_app.github.model import Pull
    from github_app.github.repository import RepositoryApi
    from github_app.handlers.talk import Talk
    from runner.model import Answer
    from runner.records import RunRecord
    from runner.variations.model import AdoptRequest

OWN_BRANCH = "flowberth/"
_APP = re.compile(r"apps/modal/([^/]+)/")


def app_of(api: RepositoryApi, pull: Pull) -> AppName:
    """The app that a pull request is about: of our own branch its name, else the one app whose folder it changes.

    Raises:
        NotOurs: there is none, or more than one; or it comes from a fork.
    """
    if pull.from_fork:
        raise Explained(
            pages.fork_refused(f"{(pull.head.repository or 'a deleted fork').partition('/')[0]}:{pull.head.branch}")
        )
    if pull.head.branch.startswith(OWN_BRANCH):
        try:
            return app_name(pull.head.branch.removeprefix(OWN_BRANCH))
        except InvalidName as error:
            raise NotOurs(str(error)) from None
    apps = apps_in(file.path for file in api.pull_files(pull.number))
    if len(apps) != 1:
        listed = ", ".join(sorted(apps)) or "none"
        raise NotOurs(f"the pull request has to change exactly one app below apps/modal/; it changes {listed}")
    return apps.pop()


def apps_in(paths: Iterable[str]) -> set[AppName]:
    """The apps whose folders hold some of these paths."""
    found: set[AppName] = set()
    for path in paths:
        match = _APP.match(path)
        if match:
            try:
                found.add(app_name(match[1]))
            except InvalidName:
                continue
    return found


def redeploy(
    talk: Talk,
    *,
    gpu: Gpu | None = None,
    budget: float | None = None,
    answers: tuple[Answer, ...] = (),
    adopt: AdoptRequest | None = None,
) -> RunRecord:
    """Ask for a run of what the pull request's branch has now.

    Raises:
        NotOurs: the pull request is none of an app.
    """
    request, name = of_branch(talk, budget)
    # earlier answers are in the lock by now, where people may have changed them
    request = request.model_copy(update={"gpu": gpu, "answers": answers, "adopt": adopt})
    return talk.doors.runs.ask(request, name, key=talk.key)


def of_branch(talk: Talk, budget: float | None = None) -> tuple[RunRequest, AppName]:
    """What a run of the pull request's branch is asked for with, and its app.

    Raises:
        NotOurs: the pull request is none of an app.
    """
    pull = talk.pull
    if pull.state != "open":
        way_out = "/deploy --env production deploys it again" if pull.state == "merged" else "reopen it first"
        raise NotOurs(f"the pull request is {pull.state}; {way_out}")
    if not talk.rules.allows_base(pull.base.branch, default=talk.api.default_branch()):
        raise NotOurs(
            f"pull requests for {pull.base.branch} are not deployed: `branches` of .github/flowberth.yml says so"
        )
    name = app_of(talk.api, pull)
    workflow = talk.api.file(f"apps/modal/{name}/workflow.json", pull.head.sha)
    if workflow is None:
        raise NotOurs(f"apps/modal/{name}/workflow.json is not on its branch")
    earlier = next((record for record in talk.runs() if record.name == name), None)
    before = talk.doors.records.request(earlier.id) if earlier else None
    request = RunRequest(
        kind="redeploy",
        repo=talk.api.about().reference,
        base=pull.base.branch,
        branch=pull.head.branch,
        commit=pull.head.sha,
        filename=before.filename if before else "workflow.json",
        workflow=workflow,
        name=name,
        budget_usd=talk.budget(budget or (before.budget_usd if before else None)),
        monthly_budget_usd=talk.rules.monthly_budget_usd,
        quality=talk.rules.quality,
        reference=before.reference if before else None,
        engine=talk.doors.engine,
        keep=True,
        gpus=talk.rules.gpus,
        closes_issue=before.closes_issue if before else True,
        origin=talk.origin.model_copy(update={"issue": before.origin.issue if before and before.origin else None}),
    )
    return request, name
