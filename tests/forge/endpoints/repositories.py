"""Repositories, people and what they may; labels; forks; gists."""

from __future__ import annotations

from tests.forge import views, views_talk
from tests.forge.routes import Accepted, Call, Created, GitHubError, Page, invalid, not_found, route
from tests.forge.world import ROLES, Label

_LEGACY = {"maintain": "write", "triage": "read"}


@route("GET /user")
def me(call: Call):
    if call.actor.kind == "installation":
        raise GitHubError(403, "Resource not accessible by integration")
    return views.whole_user(call.forge, call.actor.user)


@route("GET /users/{login}")
def user(call: Call):
    account = call.forge.find_account(call.params["login"])
    if account is None:
        raise not_found()
    return views.whole_user(call.forge, account)


@route("GET /rate_limit")
def rate_limit(call: Call):
    headers = call.forge.limits.headers(call.actor, call.path, 304)  # asking costs nothing
    core = {name: int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "used", "remaining", "reset")}
    return {"resources": {"core": core, "search": core, "graphql": core}, "rate": core}


@route("GET /repos/{owner}/{repo}")
def repository(call: Call):
    return views.whole_repository(call.forge, call.repo, call.actor.account)


@route("GET /repositories/{id:int}")
def repository_by_id(call: Call):
    for found in call.forge.repositories.values():
        if found.id == call.params["id"] and (
            not found.private or (call.actor.installation and call.actor.reaches(found))
        ):
            return views.whole_repository(call.forge, found, call.actor.account)
    raise not_found()


@route("PATCH /repos/{owner}/{repo}", app="administration:write", person="admin")
def change_repository(call: Call):
    repo = call.repo
    repo.private = call.field("private", repo.private)
    repo.archived = call.field("archived", repo.archived)
    repo.auto_merge_allowed = call.field("allow_auto_merge", repo.auto_merge_allowed)
    return views.whole_repository(call.forge, repo, call.actor.account)


@route("GET /repos/{owner}/{repo}/collaborators/{login}/permission")
def permission(call: Call):
    account = call.forge.find_account(call.params["login"])
    if account is None:
        raise not_found()
    role = call.repo.role(account)
    rank = ROLES.index(role)
    grants = {name: rank >= at for at, name in enumerate(("pull", "triage", "push", "maintain", "admin"), 1)}
    user_shown = {**views.user(call.forge, account), "role_name": role, "permissions": grants}
    return {"permission": _LEGACY.get(role, role), "role_name": role, "user": user_shown}


@route("GET /repos/{owner}/{repo}/collaborators", person="write")
def collaborators(call: Call):
    shown = []
    for login, role in call.repo.roles.items():
        rank = ROLES.index(role)
        grants = {name: rank >= at for at, name in enumerate(("pull", "triage", "push", "maintain", "admin"), 1)}
        shown.append({**views.user(call.forge, call.forge.account(login)), "role_name": role, "permissions": grants})
    return shown


@route("PUT /repos/{owner}/{repo}/collaborators/{login}", app="administration:write", person="admin")
def add_collaborator(call: Call):
    role = {"pull": "read", "push": "write"}.get(call.field("permission", "push"), call.field("permission", "push"))
    call.repo.roles[call.forge.account(call.params["login"]).login] = role


@route("DELETE /repos/{owner}/{repo}/collaborators/{login}", app="administration:write", person="admin")
def remove_collaborator(call: Call):
    call.repo.roles.pop(call.params["login"], None)


@route("POST /repos/{owner}/{repo}/forks", app=None)
def fork(call: Call):
    name = f"{call.actor.user.login}/{call.repo.name}"
    if call.forge.find_repository(name) is None:
        made = call.forge.repository(name, roles={call.actor.user.login: "admin"})
        made.parent = call.repo
        made.git.run("fetch", "--quiet", "--force", str(call.repo.git.folder), "+refs/heads/*:refs/heads/*")
    return Accepted(views.whole_repository(call.forge, call.forge.repo(name), call.actor.account))


# Labels


@route("GET /repos/{owner}/{repo}/labels", app="issues|pull_requests:read")
def labels(call: Call):
    return [views_talk.label(call.forge, call.repo, one) for one in call.repo.labels.values()]


@route("GET /repos/{owner}/{repo}/labels/{name}", app="issues|pull_requests:read")
def label(call: Call):
    return views_talk.label(call.forge, call.repo, _label(call))


@route("POST /repos/{owner}/{repo}/labels", app="issues|pull_requests:write", person="write")
def create_label(call: Call):
    name = call.required("name", "Label")
    if name.lower() in call.repo.labels:
        raise invalid("Label", "name", "already_exists")
    made = Label(call.forge.next_id(), name, call.field("color", "ededed"), call.field("description"))
    call.repo.labels[name.lower()] = made
    shown = views_talk.label(call.forge, call.repo, made)
    call.forge.emit(call.repo, "label", "created", call.actor, label=shown)
    return Created(shown)


@route("PATCH /repos/{owner}/{repo}/labels/{name}", app="issues|pull_requests:write", person="write")
def change_label(call: Call):
    given = _label(call)
    given.color, given.description = call.field("color", given.color), call.field("description", given.description)
    shown = views_talk.label(call.forge, call.repo, given)
    call.forge.emit(call.repo, "label", "edited", call.actor, label=shown, changes={})
    return shown


@route("DELETE /repos/{owner}/{repo}/labels/{name}", app="issues|pull_requests:write", person="write")
def delete_label(call: Call):
    given = _label(call)
    del call.repo.labels[given.name.lower()]
    for one in call.repo.issues.values():
        one.labels = [label for label in one.labels if label is not given]
    call.forge.emit(call.repo, "label", "deleted", call.actor, label=views_talk.label(call.forge, call.repo, given))


def _label(call: Call) -> Label:
    found = call.repo.labels.get(call.params["name"].lower())
    if found is None:
        raise not_found()
    return found


# Environments and gists


@route("GET /repos/{owner}/{repo}/environments", app="actions:read")
def environments(call: Call):
    return Page("environments", [_environment(call, name) for name in call.repo.environments])


@route("GET /repos/{owner}/{repo}/environments/{name}", app="actions:read")
def environment(call: Call):
    if call.params["name"] not in call.repo.environments:
        raise not_found()
    return _environment(call, call.params["name"])


def _environment(call: Call, name: str):
    number, at = call.repo.environments[name], call.repo.created_at
    urls = {"url": f"{call.forge.api_url}/repos/{call.repo.full_name}/environments/{name}"}
    urls["html_url"] = f"{call.forge.web_url}/{call.repo.full_name}/deployments/activity_log?environments_filter={name}"
    facts = {"id": number, "node_id": f"EN_{number}", "name": name, "created_at": at, "updated_at": at}
    return {**facts, **urls, "protection_rules": [], "deployment_branch_policy": None}


@route("GET /gists/{id}")
def gist(call: Call):
    found = call.forge.gists.get(call.params["id"])
    if found is None:
        raise not_found()
    url, web = f"{call.forge.api_url}/gists/{found.id}", f"{call.forge.web_url}/gist/{found.id}"
    files = {
        name: {
            "filename": name,
            "type": "application/json" if name.endswith(".json") else "text/plain",
            "language": None,
            "raw_url": f"{web}/raw/{name}",
            "size": len(text.encode()),
            "truncated": len(text.encode()) > 1_000_000,
            "content": text[:1_000_000],
            "encoding": "utf-8",
        }
        for name, text in found.files.items()
    }
    return {
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in ("forks", "commits", "comments")},
        "id": found.id,
        "node_id": f"G_{found.id}",
        "git_pull_url": f"{web}.git",
        "git_push_url": f"{web}.git",
        "html_url": web,
        "files": files,
        "public": True,
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "description": "",
        "comments": 0,
        "user": None,
        "owner": views.user(call.forge, found.owner),
        "truncated": False,
        "forks": [],
        "history": [],
    }
