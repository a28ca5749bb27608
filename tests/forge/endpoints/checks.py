"""Check runs and suites, and commit statuses."""

from __future__ import annotations

from typing import Any

from tests.forge import merging, views, views_git
from tests.forge.routes import Call, Created, GitHubError, Page, not_found, route
from tests.forge.world import CheckRun

MOST_ANNOTATIONS = 50  # in one request
MOST_ACTIONS = 3
LONGEST_TEXT = 65_535
_ACTION_LENGTHS = {"label": 20, "identifier": 20, "description": 40}


@route("POST /repos/{owner}/{repo}/check-runs", app="checks:write")
def create_run(call: Call):
    _by_app(call)
    name, sha = _wanted(call, "name"), _wanted(call, "head_sha")
    if call.repo.git.commit_of(sha) != sha:
        raise GitHubError(422, f"No commit found for SHA: {sha}")
    run = CheckRun(call.forge.next_id(), call.forge.check_suite(call.repo, sha), name, sha, call.forge.now())
    _apply(call, run)
    call.repo.check_runs[run.id] = run
    return Created(_tell(call, run, None))


@route("PATCH /repos/{owner}/{repo}/check-runs/{id:int}", app="checks:write")
def change_run(call: Call):
    _by_app(call)
    run = _run(call)
    before = run.status
    run.name = call.field("name", run.name)
    _apply(call, run)
    return _tell(call, run, before)


def _by_app(call: Call) -> None:
    if call.actor.kind != "installation":
        raise GitHubError(403, "You must authenticate via a GitHub App.")


def _wanted(call: Call, name: str) -> str:
    value = call.field(name)
    if not value:
        raise GitHubError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    return value


def _apply(call: Call, run: CheckRun) -> None:
    """What create and update share. Annotations are added to those that are there; texts and actions replace."""
    output, actions = call.field("output", {}), call.field("actions")
    _check(output, actions or [])
    if call.field("status") == "completed" and not call.field("conclusion"):
        raise GitHubError(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
    run.conclusion = call.field("conclusion", None if call.field("status") else run.conclusion)
    run.status = "completed" if call.field("conclusion") else call.field("status", run.status)
    run.completed_at = call.field("completed_at", call.forge.now()) if run.status == "completed" else None
    run.started_at = call.field("started_at", run.started_at)
    run.external_id = call.field("external_id", run.external_id)
    run.details_url = call.field("details_url", run.details_url)
    if output:
        run.title, run.summary, run.text = (
            output.get("title", run.title),
            output.get("summary", run.summary),
            output.get("text", run.text),
        )
        run.annotations += output.get("annotations") or []
    if actions is not None:
        run.actions = actions


def _check(output: dict[str, Any], actions: list[dict[str, str]]) -> None:
    if len(output.get("annotations") or []) > MOST_ANNOTATIONS:
        raise GitHubError(422, "Invalid request.\n\nNo more than 50 items are allowed; more were supplied.")
    for name in ("summary", "text"):
        length = len(output.get(name) or "")
        if length > LONGEST_TEXT:
            raise GitHubError(422, f"Invalid request.\n\nOnly 65535 characters are allowed; {length} were supplied.")
    if output and not output.get("summary"):
        raise GitHubError(422, "Invalid request.\n\nFor 'properties/output', \"summary\" wasn't supplied.")
    if len(actions) > MOST_ACTIONS:
        raise GitHubError(422, "Invalid request.\n\nNo more than 3 items are allowed.")
    for action in actions:
        for name, longest in _ACTION_LENGTHS.items():
            if len(action[name]) > longest:
                raise GitHubError(
                    422,
                    f"Invalid request.\n\nOnly {longest} characters are allowed; {len(action[name])} were supplied.",
                )


def _tell(call: Call, run: CheckRun, before: str | None) -> dict[str, Any]:
    shown = views_git.check_run(call.forge, call.repo, run)
    if before is None:
        call.forge.emit(
            call.repo,
            "check_run",
            "created",
            call.actor,
            check_run=views_git.check_run_in_event(call.forge, call.repo, run),
        )
    if run.status == "completed" and before != "completed":
        call.forge.emit(
            call.repo,
            "check_run",
            "completed",
            call.actor,
            check_run=views_git.check_run_in_event(call.forge, call.repo, run),
        )
        suite = views_git.check_suite(call.forge, call.repo, run.suite)
        if suite["status"] == "completed":
            call.forge.emit(call.repo, "check_suite", "completed", call.actor, check_suite=suite)
    if run.status == "completed":
        merging.try_auto_merges(call.forge, call.repo)
    return shown


@route("GET /repos/{owner}/{repo}/check-runs/{id:int}", app="checks:read")
def run(call: Call):
    return views_git.check_run(call.forge, call.repo, _run(call))


@route("GET /repos/{owner}/{repo}/check-runs/{id:int}/annotations", app="checks:read")
def annotations(call: Call):
    nothing = dict.fromkeys(("start_column", "end_column", "title", "raw_details"))
    return [{**nothing, **one, "blob_href": ""} for one in _run(call).annotations]


@route("GET /repos/{owner}/{repo}/commits/{ref:path}/check-runs", app="checks:read")
def runs(call: Call):
    """By default the latest of each name; `filter=all`: every one."""
    sha = call.repo.git.commit_of(call.params["ref"])
    if sha is None:
        raise GitHubError(422, f"No commit found for SHA: {call.params['ref']}")
    found = [
        one
        for one in reversed(call.repo.checks(sha, call.query.get("check_name")))
        if call.query.get("status", one.status) == one.status
        and call.query.get("app_id", str(call.forge.app_id)) == str(call.forge.app_id)
    ]
    if call.query.get("filter", "latest") == "latest":
        found = list({one.name: one for one in reversed(found)}.values())
    return Page("check_runs", [views_git.check_run(call.forge, call.repo, one) for one in found])


@route("GET /repos/{owner}/{repo}/commits/{ref:path}/check-suites", app="checks:read")
def suites(call: Call):
    sha = call.repo.git.commit_of(call.params["ref"])
    found = [one for one in call.repo.suites if one.head_sha == sha]
    return Page("check_suites", [views_git.check_suite(call.forge, call.repo, one) for one in found])


@route("POST /repos/{owner}/{repo}/check-runs/{id:int}/rerequest", app="checks:write", person="write")
def rerequest(call: Call):
    """What the button "Re-run" does."""
    given = _run(call)
    call.forge.emit(
        call.repo,
        "check_run",
        "rerequested",
        call.actor,
        check_run=views_git.check_run_in_event(call.forge, call.repo, given),
    )
    return Created({})


@route("POST /repos/{owner}/{repo}/check-suites/{id:int}/rerequest", app="checks:write", person="write")
def rerequest_suite(call: Call):
    found = next((one for one in call.repo.suites if one.id == call.params["id"]), None)
    if found is None:
        raise not_found()
    shown = views_git.check_suite(call.forge, call.repo, found)
    call.forge.emit(call.repo, "check_suite", "rerequested", call.actor, check_suite=shown)
    return Created({})


def _run(call: Call) -> CheckRun:
    found = call.repo.check_runs.get(call.params["id"])
    if found is None:
        raise not_found()
    return found


# Commit statuses


@route("POST /repos/{owner}/{repo}/statuses/{sha}", app="statuses:write", person="write")
def create_status(call: Call):
    sha = call.params["sha"]
    if call.repo.git.commit_of(sha) != sha:
        raise GitHubError(422, f"No commit found for SHA: {sha}")
    number, now = call.forge.next_id(), call.forge.now()
    texts = {
        "state": call.field("state"),
        "description": call.field("description"),
        "target_url": call.field("target_url"),
        "context": call.field("context", "default"),
    }
    url = f"{call.forge.api_url}/repos/{call.repo.full_name}/statuses/{sha}"
    made = {
        "url": url,
        "avatar_url": None,
        "id": number,
        "node_id": f"SC_{number}",
        **texts,
        "created_at": now,
        "updated_at": now,
    }
    call.repo.statuses.setdefault(sha, []).append(made)
    commit = views_git.commit(call.forge, call.repo, call.repo.git.commit(sha))
    event = {
        "id": number,
        "sha": sha,
        "name": call.repo.full_name,
        "avatar_url": None,
        **texts,
        "commit": commit,
        "branches": [],
    }
    call.forge.emit(call.repo, "status", None, call.actor, **event, created_at=now, updated_at=now)
    merging.try_auto_merges(call.forge, call.repo)
    return Created({**made, "creator": views.user(call.forge, call.actor.user)})


@route("GET /repos/{owner}/{repo}/commits/{ref:path}/status", app="statuses:read")
def combined_status(call: Call):
    sha = call.repo.git.commit_of(call.params["ref"])
    if sha is None:
        raise not_found()
    latest = list({one["context"]: one for one in call.repo.statuses.get(sha, [])}.values())
    states = {one["state"] for one in latest}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    url = f"{call.forge.api_url}/repos/{call.repo.full_name}/commits/{sha}"
    where = {"repository": views.repository(call.forge, call.repo), "commit_url": url, "url": f"{url}/status"}
    return {"state": state, "statuses": latest, "sha": sha, "total_count": len(latest), **where}
