"""Files, branches, commits and comparisons, read from the bare repository; files written by the contents API."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from tests.forge import moves, rules, views_git, views_talk
from tests.forge.git import GITHUB, GitError
from tests.forge.routes import Call, Created, GitHubError, not_found, route

LARGEST_INLINE_BYTES = 1024 * 1024
_CONTENTS = "/repos/{owner}/{repo}/contents/{path:path}"


@route("GET /repos/{owner}/{repo}/contents", app="contents:read")
@route(f"GET {_CONTENTS}", app="contents:read")
def contents(call: Call):
    path, ref = call.params.get("path", "").strip("/"), call.query.get("ref", call.repo.default_branch)
    commit = call.repo.git.commit_of(ref.removeprefix("refs/heads/"))
    if commit is None:
        raise GitHubError(404, f"No commit found for the ref {ref}")
    rows = call.repo.git.run("ls-tree", "-z", "-l", commit, *([path] if path else [])).decode().split("\0")[:-1]
    if path and not rows:
        raise not_found()
    if not path or rows[0].split()[1] == "tree":
        inside = call.repo.git.run("ls-tree", "-z", "-l", f"{commit}:{path}").decode().split("\0")[:-1]
        return [_entry(call, ref, row, f"{path}/" if path else "") for row in inside]
    return _file(call, commit, ref, rows[0])


def _file(call: Call, commit: str, ref: str, row: str):
    entry, data = _entry(call, ref, row, ""), call.repo.git.file(commit, row.partition("\t")[2])
    if "raw" in call.headers.get("accept", ""):
        return Response(data, media_type="application/vnd.github.raw+json; charset=utf-8")
    if len(data) > LARGEST_INLINE_BYTES:
        return {**entry, "content": "", "encoding": "none"}
    return {**entry, "content": base64.encodebytes(data).decode(), "encoding": "base64"}


def _entry(call: Call, ref: str, row: str, folder: str) -> dict[str, Any]:
    facts, _, name = row.partition("\t")
    _, kind, sha, size = facts.split()
    path = folder + name
    api, web, at = (
        f"{call.forge.api_url}/repos/{call.repo.full_name}",
        f"{call.forge.web_url}/{call.repo.full_name}",
        quote(path),
    )
    url = f"{api}/contents/{at}?ref={ref}"
    links = {"self": url, "git": f"{api}/git/{kind}s/{sha}", "html": f"{web}/{kind}/{ref}/{at}"}
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": 0 if size == "-" else int(size),
        "url": url,
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": f"{web}/raw/{ref}/{at}" if kind == "blob" else None,
        "type": "file" if kind == "blob" else "dir",
        "_links": links,
    }


@route(f"PUT {_CONTENTS}", app="contents:write", person="write")
def write_file(call: Call):
    path, data = call.params["path"], base64.b64decode(call.required("content", "Content"))
    branch, tip = _branch(call)
    existing = _blob(call, tip, path)
    if existing and call.field("sha") is None:
        raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if existing != call.field("sha"):
        raise GitHubError(409, f"{path} does not match {call.field('sha')}")
    commit = _commit(call, branch, tip, {path: data})
    row = call.repo.git.run("ls-tree", "-l", commit, path).decode().rstrip("\n")
    shown = {"content": _entry(call, branch, row, ""), "commit": _git_commit(call, commit)}
    return shown if existing else Created(shown)


@route(f"DELETE {_CONTENTS}", app="contents:write", person="write")
def delete_file(call: Call):
    path, (branch, tip) = call.params["path"], _branch(call)
    existing = _blob(call, tip, path)
    if existing is None:
        raise not_found()
    if existing != call.field("sha"):
        raise GitHubError(409, f"{path} does not match {call.field('sha')}")
    return {"content": None, "commit": _git_commit(call, _commit(call, branch, tip, {path: None}))}


def _branch(call: Call) -> tuple[str, str]:
    branch = call.field("branch", call.repo.default_branch)
    tip = call.repo.git.tip(branch)
    if tip is None:
        raise GitHubError(404, f"Branch {branch} not found")
    return branch, tip


def _blob(call: Call, commit: str, path: str) -> str | None:
    try:
        return call.repo.git.run("rev-parse", "-q", "--verify", f"{commit}:{path}").decode().strip()
    except GitError:
        return None


def _commit(call: Call, branch: str, tip: str, changes: dict[str, bytes | None]) -> str:
    refused = rules.against_write(call.repo, call.actor, branch)
    if refused:
        raise GitHubError(409, f"Could not update file: {refused}" if "\n" not in refused else refused)
    author = (
        call.field("author")
        or call.field("committer")
        or {"name": call.actor.user.login, "email": call.actor.user.email}
    )
    committer = call.field("committer")
    who = (committer["name"], committer["email"]) if committer else GITHUB
    git = call.repo.git
    commit = git.write_commit(
        git.write_tree(tip, changes),
        [tip],
        call.required("message", "Commit") + "\n",
        (author["name"], author["email"]),
        who,
    )
    if call.actor.by_app and not call.field("author") and not committer:
        call.repo.verified.add(commit)
    moves.move(call.forge, call.repo, call.actor, moves.Update(f"refs/heads/{branch}", tip, commit))
    return commit


def _git_commit(call: Call, sha: str) -> dict[str, Any]:
    return views_git.git_commit(call.forge, call.repo, call.repo.git.commit(sha))


# Branches, commits, comparisons


@route("GET /repos/{owner}/{repo}/branches", app="contents:read")
def branches(call: Call):
    api = f"{call.forge.api_url}/repos/{call.repo.full_name}"
    return [
        {
            "name": name,
            "commit": {"sha": sha, "url": f"{api}/commits/{sha}"},
            "protected": name in call.repo.protections,
        }
        for ref, sha in call.repo.git.refs().items()
        if ref.startswith("refs/heads/")
        for name in [ref.removeprefix("refs/heads/")]
    ]


@route("GET /repos/{owner}/{repo}/branches/{branch:path}", app="contents:read")
def branch(call: Call):
    name = call.params["branch"]
    tip = call.repo.git.tip(name)
    if tip is None:
        raise GitHubError(404, "Branch not found")
    url, protected = (
        f"{call.forge.api_url}/repos/{call.repo.full_name}/branches/{name}",
        call.repo.protections.get(name),
    )
    checks = {
        "enforcement_level": "non_admins" if protected else "off",
        "contexts": protected.contexts if protected else [],
        "checks": [],
    }
    return {
        "name": name,
        "commit": views_git.commit(call.forge, call.repo, call.repo.git.commit(tip)),
        "_links": {"self": url, "html": f"{call.forge.web_url}/{call.repo.full_name}/tree/{name}"},
        "protected": protected is not None or bool(rules.applying(call.repo, name)),
        "protection": {"enabled": protected is not None, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


@route("GET /repos/{owner}/{repo}/commits", app="contents:read")
def commits(call: Call):
    ref = call.query.get("sha", call.repo.default_branch)
    start = call.repo.git.commit_of(ref)
    if start is None:
        raise not_found()
    options = [f"--{name}={call.query[name]}" for name in ("since", "until") if name in call.query]
    found = call.repo.git.log(*options, start, "--", *([call.query["path"]] if "path" in call.query else []))
    return [views_git.commit(call.forge, call.repo, one) for one in found]


@route("GET /repos/{owner}/{repo}/commits/{sha}/pulls", app="pull_requests:read")
def pulls_of_commit(call: Call):

    sha = call.params["sha"]
    found = [one for one in call.repo.pulls if sha in (one.head_sha, one.merge_commit_sha)]
    return [views_talk.pull(call.forge, call.repo, one, brief=True) for one in found]


@route("GET /repos/{owner}/{repo}/compare/{basehead:path}", app="contents:read")
def compare(call: Call):
    names = [name.rpartition(":")[2] for name in call.params["basehead"].split("...")]
    base, head = (call.repo.git.commit_of(name) for name in names)
    if base is None or head is None:
        raise not_found()
    git, found = call.repo.git, call.repo.git.compare(base, head)
    ahead, behind = found.commits, found.behind
    url = f"{call.forge.api_url}/repos/{call.repo.full_name}/compare/{call.params['basehead']}"
    web = f"{call.forge.web_url}/{call.repo.full_name}/compare/{call.params['basehead']}"
    return {
        "url": url,
        "html_url": web,
        "permalink_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "base_commit": views_git.commit(call.forge, call.repo, git.commit(base)),
        "merge_base_commit": views_git.commit(call.forge, call.repo, git.commit(found.merge_base)),
        "status": "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical",
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [views_git.commit(call.forge, call.repo, one) for one in git.log("--reverse", f"{base}..{head}")],
        "files": [
            views_git.changed_file(call.forge, call.repo, head, one) for one in git.changed(found.merge_base, head)
        ],
    }


@route("GET /repos/{owner}/{repo}/commits/{ref:path}", app="contents:read")
def commit(call: Call):
    sha = call.repo.git.commit_of(call.params["ref"])
    if sha is None:
        raise GitHubError(422, f"No commit found for SHA: {call.params['ref']}")
    given = call.repo.git.commit(sha)
    files = call.repo.git.changed(given.parents[0], sha) if given.parents else ()
    changed = {"additions": sum(one.additions for one in files), "deletions": sum(one.deletions for one in files)}
    stats = {**changed, "total": sum(changed.values())}
    shown = [views_git.changed_file(call.forge, call.repo, sha, one) for one in files]
    return {**views_git.commit(call.forge, call.repo, given), "stats": stats, "files": shown}
