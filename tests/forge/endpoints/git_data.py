"""The git database: references, tags, commits, trees and blobs."""

from __future__ import annotations

import base64

from tests.forge import moves, rules, views_git
from tests.forge.git import GITHUB, ZERO, GitError
from tests.forge.routes import Call, Created, GitHubError, not_found, route

_GIT = "/repos/{owner}/{repo}/git"


@route(f"GET {_GIT}/ref/{{ref:path}}", app="contents:read")
def reference(call: Call):
    ref = f"refs/{call.params['ref']}"
    return views_git.reference(call.forge, call.repo, ref, _existing(call, ref, 404, "Not Found"))


@route(f"GET {_GIT}/matching-refs/{{ref:path}}", app="contents:read")
def matching(call: Call):
    found = {ref: sha for ref, sha in call.repo.git.refs().items() if ref.startswith(f"refs/{call.params['ref']}")}
    return [views_git.reference(call.forge, call.repo, ref, sha) for ref, sha in found.items()]


@route(f"POST {_GIT}/refs", app="contents:write", person="write")
def create(call: Call):
    ref, sha = call.required("ref", "Reference"), call.required("sha", "Reference")
    if not ref.startswith("refs/") or ref.count("/") < 2:
        raise GitHubError(422, f"{ref} is not a valid ref name.")
    if ref in call.repo.git.refs():
        raise GitHubError(422, "Reference already exists")
    _object(call, sha)
    return Created(_move(call, ref, ZERO, sha))


@route(f"PATCH {_GIT}/refs/{{ref:path}}", app="contents:write", person="write")
def update(call: Call):
    ref, sha = f"refs/{call.params['ref']}", call.required("sha", "Reference")
    old = _existing(call, ref, 422, "Reference does not exist")
    _object(call, sha)
    if not call.field("force", False) and not call.repo.git.is_ancestor(old, sha):
        raise GitHubError(422, "Update is not a fast forward")
    return _move(call, ref, old, sha)


@route(f"DELETE {_GIT}/refs/{{ref:path}}", app="contents:write", person="write")
def delete(call: Call):
    ref = f"refs/{call.params['ref']}"
    _move(call, ref, _existing(call, ref, 422, "Reference does not exist"), ZERO)


def _move(call: Call, ref: str, old: str, new: str):
    branch = ref.removeprefix("refs/heads/")
    if old != ZERO and rules.against_write(call.repo, call.actor, branch):
        raise GitHubError(422, "Cannot update this protected ref.")
    if new == ZERO and branch in call.repo.protections:
        raise GitHubError(422, "Cannot delete this protected branch")
    moves.move(call.forge, call.repo, call.actor, moves.Update(ref, old, new))
    return views_git.reference(call.forge, call.repo, ref, new) if new != ZERO else None


def _existing(call: Call, ref: str, status: int, message: str) -> str:
    sha = call.repo.git.refs().get(ref)
    if sha is None and ref.startswith("refs/pull/"):
        sha = call.repo.git.commit_of(ref)
    if sha is None:
        raise GitHubError(status, message)
    return sha


def _object(call: Call, sha: str) -> None:
    if not call.repo.git.ask("cat-file", "-e", sha):
        raise GitHubError(422, "Object does not exist")


@route(f"POST {_GIT}/tags", app="contents:write", person="write")
def create_tag(call: Call):
    """The object of an annotated tag; its ref is made by `POST git/refs`."""
    name, sha, message = call.required("tag", "Tag"), call.required("object", "Tag"), call.required("message", "Tag")
    user = call.field("tagger") or {"name": call.actor.user.login, "email": call.actor.user.email}
    kind = call.field("type", "commit")
    seconds = call.repo.git.commit(sha).committer[2]
    text = (
        f"object {sha}\ntype {kind}\ntag {name}\ntagger {user['name']} <{user['email']}> {seconds} +0000\n\n{message}\n"
    )
    tag = call.repo.git.run("mktag", stdin=text.encode()).decode().strip()
    api = f"{call.forge.api_url}/repos/{call.repo.full_name}/git"
    target = {"type": kind, "sha": sha, "url": f"{api}/{kind}s/{sha}"}
    verification = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    facts = {"node_id": f"TA_{tag}", "tag": name, "sha": tag, "url": f"{api}/tags/{tag}", "message": message}
    return Created(
        {**facts, "tagger": {**user, "date": call.forge.at(seconds)}, "object": target, "verification": verification}
    )


@route(f"GET {_GIT}/commits/{{sha}}", app="contents:read")
def commit(call: Call):
    if call.repo.git.commit_of(call.params["sha"]) is None:
        raise not_found()
    return views_git.git_commit(call.forge, call.repo, call.repo.git.commit(call.params["sha"]))


@route(f"POST {_GIT}/commits", app="contents:write", person="write")
def create_commit(call: Call):
    author = call.field("author") or {"name": call.actor.user.login, "email": call.actor.user.email}
    message, tree = call.required("message", "Commit"), call.required("tree", "Commit")
    sha = call.repo.git.write_commit(
        tree, call.field("parents", []), message, (author["name"], author["email"]), GITHUB
    )
    return Created(views_git.git_commit(call.forge, call.repo, call.repo.git.commit(sha)))


@route(f"GET {_GIT}/trees/{{sha:path}}", app="contents:read")
def tree(call: Call):
    options = ["-r", "-t"] if "recursive" in call.query else []
    try:
        sha = call.repo.git.run("rev-parse", "-q", "--verify", f"{call.params['sha']}^{{tree}}").decode().strip()
    except GitError as error:
        raise not_found() from error
    rows = call.repo.git.run("ls-tree", "-z", "-l", *options, sha).decode().split("\0")[:-1]
    api, entries = f"{call.forge.api_url}/repos/{call.repo.full_name}/git", []
    for row in rows:
        facts, _, path = row.partition("\t")
        mode, kind, name, size = facts.split()
        entry = {"path": path, "mode": mode, "type": kind, "sha": name, "url": f"{api}/{kind}s/{name}"}
        entries.append(entry if size == "-" else {**entry, "size": int(size)})
    return {"sha": sha, "url": f"{api}/trees/{sha}", "tree": entries, "truncated": False}


@route(f"POST {_GIT}/trees", app="contents:write", person="write")
def create_tree(call: Call):
    changes: dict[str, bytes | tuple[str, str] | None] = {}
    for entry in call.required("tree", "Tree"):
        if "content" in entry:
            changes[entry["path"]] = entry["content"].encode()
        else:
            changes[entry["path"]] = (entry["mode"], entry["sha"]) if entry["sha"] else None
    call.params = {**call.params, "sha": call.repo.git.write_tree(call.field("base_tree"), changes)}
    return Created(tree(call))


@route(f"POST {_GIT}/blobs", app="contents:write", person="write")
def create_blob(call: Call):
    text = call.field("content", "")
    data = base64.b64decode(text) if call.field("encoding") == "base64" else text.encode()
    sha = call.repo.git.blob(data)
    return Created({"sha": sha, "url": f"{call.forge.api_url}/repos/{call.repo.full_name}/git/blobs/{sha}"})


@route(f"GET {_GIT}/blobs/{{sha}}", app="contents:read")
def blob(call: Call):
    sha = call.params["sha"]
    try:
        data = call.repo.git.run("cat-file", "blob", sha)
    except GitError as error:
        raise not_found() from error
    url = f"{call.forge.api_url}/repos/{call.repo.full_name}/git/blobs/{sha}"
    facts = {"sha": sha, "node_id": f"B_{sha}", "size": len(data), "url": url}
    return {**facts, "content": base64.encodebytes(data).decode(), "encoding": "base64"}
