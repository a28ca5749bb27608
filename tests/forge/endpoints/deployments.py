"""Deployments and their statuses."""

from __future__ import annotations

from tests.forge import rules, views_git
from tests.forge.routes import Call, Created, GitHubError, invalid, not_found, route
from tests.forge.world import Deployment, DeploymentStatus

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
LONGEST_DESCRIPTION = 140
_DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"


@route(f"POST {_DEPLOYMENTS}", app="deployments:write", person="write")
def create(call: Call):
    ref = call.required("ref", "Deployment")
    sha = call.repo.git.commit_of(ref)
    if sha is None:
        raise GitHubError(422, f"No ref found for: {ref}")
    states, wanted = rules.check_states(call.repo, sha), call.field("required_contexts")
    red = [name for name in (states if wanted is None else wanted) if states.get(name) != "success"]
    if red:
        raise GitHubError(
            409,
            f"Conflict: Commit status checks failed for {ref}.",
            errors=[{"contexts": red, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}],
        )
    behind = call.repo.git.compare(call.repo.git.tip(call.repo.default_branch) or sha, sha).behind
    if call.field("auto_merge", True) and behind and call.repo.git.tip(ref):
        raise GitHubError(
            409, f"Conflict merging {call.repo.default_branch} into {ref}."
        )  # the stand-in merges nothing here
    environment = call.field("environment", "production")
    call.repo.environments.setdefault(environment, call.forge.next_id())
    now = call.forge.now()
    made = Deployment(
        id=call.forge.next_id(),
        sha=sha,
        ref=ref,
        task=call.field("task", "deploy"),
        payload=call.field("payload", {}),
        environment=environment,
        description=call.field("description"),
        creator=call.actor.user,
        created_at=now,
        updated_at=now,
        transient=call.field("transient_environment", False),
        production=call.field("production_environment", environment == "production"),
    )
    call.repo.deployments[made.id] = made
    shown = views_git.deployment(call.forge, call.repo, made)
    call.forge.emit(call.repo, "deployment", "created", call.actor, deployment=shown, workflow=None, workflow_run=None)
    return Created(shown)


@route(f"GET {_DEPLOYMENTS}", app="deployments:read")
def deployments(call: Call):
    found = [
        one
        for one in reversed(call.repo.deployments.values())
        if all(
            call.query.get(name, "none") in ("none", getattr(one, name))
            for name in ("sha", "ref", "task", "environment")
        )
    ]
    return [views_git.deployment(call.forge, call.repo, one) for one in found]


@route(f"GET {_DEPLOYMENTS}/{{id:int}}", app="deployments:read")
def deployment(call: Call):
    return views_git.deployment(call.forge, call.repo, _deployment(call))


@route(f"DELETE {_DEPLOYMENTS}/{{id:int}}", app="deployments:write", person="write")
def delete(call: Call):
    given = _deployment(call)
    if given.state != "inactive" and len(call.repo.deployments) > 1:
        raise GitHubError(
            422, "We cannot delete an active deployment unless it is the only deployment in a given environment."
        )
    del call.repo.deployments[given.id]


@route(f"POST {_DEPLOYMENTS}/{{id:int}}/statuses", app="deployments:write", person="write")
def create_status(call: Call):
    given, state = _deployment(call), call.required("state", "DeploymentStatus")
    if state not in STATES:
        raise invalid("DeploymentStatus", "state", "custom", "state is not included in the list")
    description = call.field("description", "")
    if len(description) > LONGEST_DESCRIPTION:
        raise invalid(
            "DeploymentStatus", "description", "custom", "description is too long (maximum is 140 characters)"
        )
    environment = call.field("environment", given.environment)
    log_url = call.field("log_url", call.field("target_url", ""))
    made = DeploymentStatus(
        call.forge.next_id(),
        state,
        call.actor.user,
        description,
        environment,
        log_url,
        call.field("environment_url", ""),
        call.forge.now(),
    )
    given.statuses.append(made)
    given.updated_at = made.created_at
    shown = _tell(call, given, made)
    if state == "success" and call.field("auto_inactive", True) and not given.transient and not given.production:
        _retire_older(call, given)
    return Created(shown)


def _retire_older(call: Call, newest: Deployment) -> None:
    for older in call.repo.deployments.values():
        if (
            older.environment == newest.environment
            and older.id < newest.id
            and older.state == "success"
            and not older.transient
        ):
            last = older.statuses[-1]
            gone = DeploymentStatus(
                call.forge.next_id(),
                "inactive",
                call.actor.user,
                "",
                older.environment,
                last.log_url,
                last.environment_url,
                call.forge.now(),
            )
            older.statuses.append(gone)
            _tell(call, older, gone)


def _tell(call: Call, given: Deployment, status: DeploymentStatus):
    shown = views_git.deployment_status(call.forge, call.repo, given, status)
    of = views_git.deployment(call.forge, call.repo, given)
    nothing = {"check_run": None, "workflow": None, "workflow_run": None}
    call.forge.emit(
        call.repo, "deployment_status", "created", call.actor, deployment_status=shown, deployment=of, **nothing
    )
    return shown


@route(f"GET {_DEPLOYMENTS}/{{id:int}}/statuses", app="deployments:read")
def statuses(call: Call):
    given = _deployment(call)
    return [views_git.deployment_status(call.forge, call.repo, given, one) for one in reversed(given.statuses)]


def _deployment(call: Call) -> Deployment:
    found = call.repo.deployments.get(call.params["id"])
    if found is None:
        raise not_found()
    return found
