"""The shapes of commits, files, references, checks and deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.forge import views

if TYPE_CHECKING:
    from tests.forge.forge import Forge
    from tests.forge.git import ChangedFile, Commit
    from tests.forge.world import CheckRun, CheckSuite, Deployment, DeploymentStatus, Repository


def _api(forge: Forge, repo: Repository) -> str:
    return f"{forge.api_url}/repos/{repo.full_name}"


def _inner(forge: Forge, repo: Repository, given: Commit) -> dict[str, Any]:
    signed = given.sha in repo.verified
    verification = {
        "verified": signed,
        "reason": "valid" if signed else "unsigned",
        "signature": "-----BEGIN PGP SIGNATURE-----" if signed else None,
    }
    people = {
        name: {"name": who[0], "email": who[1], "date": forge.at(who[2])}
        for name, who in (("author", given.author), ("committer", given.committer))
    }
    return {
        **people,
        "message": given.message,
        "tree": {"sha": given.tree, "url": f"{_api(forge, repo)}/git/trees/{given.tree}"},
        "verification": {
            **verification,
            "payload": given.message if signed else None,
            "verified_at": forge.at(given.committer[2]) if signed else None,
        },
    }


def _outer(forge: Forge, repo: Repository, given: Commit, kind: str) -> dict[str, Any]:
    api, web = _api(forge, repo), f"{forge.web_url}/{repo.full_name}/commit"
    parents = [
        {"sha": parent, "url": f"{api}/{kind}/{parent}", "html_url": f"{web}/{parent}"} for parent in given.parents
    ]
    return {
        "sha": given.sha,
        "node_id": f"C_{given.sha}",
        "url": f"{api}/{kind}/{given.sha}",
        "html_url": f"{web}/{given.sha}",
        "parents": parents,
    }


def git_commit(forge: Forge, repo: Repository, given: Commit) -> dict[str, Any]:
    """As the git database has it."""
    return {**_outer(forge, repo, given, "git/commits"), **_inner(forge, repo, given)}


def commit(forge: Forge, repo: Repository, given: Commit) -> dict[str, Any]:
    """As lists of commits have it: with the accounts of author and committer."""
    api = _api(forge, repo)
    inner = {**_inner(forge, repo, given), "url": f"{api}/git/commits/{given.sha}", "comment_count": 0}
    by_email = {account.email: account for account in forge.accounts.values()}
    accounts = {
        name: views.user(forge, by_email[email]) if email in by_email else None
        for name, email in (("author", given.author[1]), ("committer", given.committer[1]))
    }
    return {
        **_outer(forge, repo, given, "commits"),
        "comments_url": f"{api}/commits/{given.sha}/comments",
        "commit": inner,
        **accounts,
    }


def changed_file(forge: Forge, repo: Repository, head: str, given: ChangedFile) -> dict[str, Any]:
    path = quote(given.path)
    shown: dict[str, Any] = {
        "sha": given.sha,
        "filename": given.path,
        "status": given.status,
        "additions": given.additions,
        "deletions": given.deletions,
        "changes": given.additions + given.deletions,
        "blob_url": f"{forge.web_url}/{repo.full_name}/blob/{head}/{path}",
        "raw_url": f"{forge.web_url}/{repo.full_name}/raw/{head}/{path}",
        "contents_url": f"{_api(forge, repo)}/contents/{path}?ref={head}",
    }
    if given.patch is not None:
        shown["patch"] = given.patch
    if given.previous:
        shown["previous_filename"] = given.previous
    return shown


def reference(forge: Forge, repo: Repository, ref: str, sha: str) -> dict[str, Any]:
    kind = repo.git.run("cat-file", "-t", sha).decode().strip()
    url = f"{_api(forge, repo)}/git"
    return {
        "ref": ref,
        "node_id": f"REF_{sha[:12]}",
        "url": f"{url}/{ref}",
        "object": {"sha": sha, "type": kind, "url": f"{url}/{kind}s/{sha}"},
    }


def _pulls_at(forge: Forge, repo: Repository, sha: str) -> list[dict[str, Any]]:
    """The open pull requests of a commit, in the few words that checks have for them."""
    api = _api(forge, repo)
    of = {"id": repo.id, "url": api, "name": repo.name}
    return [
        {
            "url": f"{api}/pulls/{pull.number}",
            "id": pull.issue.id + 1_000_000,
            "number": pull.number,
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": of},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": of},
        }
        for pull in repo.open_pulls
        if pull.head_sha == sha and pull.head_repository is repo
    ]


def check_suite(forge: Forge, repo: Repository, given: CheckSuite) -> dict[str, Any]:
    runs = [run for run in repo.check_runs.values() if run.suite is given]
    done = bool(runs) and all(run.status == "completed" for run in runs)
    conclusions = {run.conclusion for run in runs}
    worst = next(
        (one for one in ("action_required", "failure", "timed_out", "cancelled") if one in conclusions), "success"
    )
    url = f"{_api(forge, repo)}/check-suites/{given.id}"
    head = repo.git.commit(given.head_sha)
    branches = [pull.head_ref for pull in repo.pulls if pull.head_sha == given.head_sha]
    return {
        "id": given.id,
        "node_id": f"CS_{given.id}",
        "head_branch": branches[0] if branches else None,
        "head_sha": given.head_sha,
        "status": "completed" if done else "in_progress" if runs else "queued",
        "conclusion": worst if done else None,
        "url": url,
        "before": head.parents[0] if head.parents else None,
        "after": given.head_sha,
        "pull_requests": _pulls_at(forge, repo, given.head_sha),
        "app": views.app(forge),
        "created_at": given.created_at,
        "updated_at": given.created_at,
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{url}/check-runs",
        "head_commit": {
            "id": head.sha,
            "tree_id": head.tree,
            "message": head.message,
            "timestamp": forge.at(head.committer[2]),
            **{
                name: {"name": who[0], "email": who[1]}
                for name, who in (("author", head.author), ("committer", head.committer))
            },
        },
        "repository": views.repository(forge, repo),
    }


def check_run(forge: Forge, repo: Repository, given: CheckRun) -> dict[str, Any]:
    url = f"{_api(forge, repo)}/check-runs/{given.id}"
    html = f"{forge.web_url}/{repo.full_name}/runs/{given.id}"
    texts = {"title": given.title, "summary": given.summary, "text": given.text}
    suite = check_suite(forge, repo, given.suite)
    return {
        "id": given.id,
        "name": given.name,
        "node_id": f"CR_{given.id}",
        "head_sha": given.head_sha,
        "external_id": given.external_id,
        "url": url,
        "html_url": html,
        "details_url": given.details_url or html,
        "status": given.status,
        "conclusion": given.conclusion,
        "started_at": given.started_at,
        "completed_at": given.completed_at,
        "output": {**texts, "annotations_count": len(given.annotations), "annotations_url": f"{url}/annotations"},
        "check_suite": {name: value for name, value in suite.items() if name in _SUITE_OF_RUN},
        "app": views.app(forge),
        "pull_requests": _pulls_at(forge, repo, given.head_sha),
    }


def check_run_in_event(forge: Forge, repo: Repository, given: CheckRun) -> dict[str, Any]:
    shown = check_run(forge, repo, given)
    return {**shown, "actions": given.actions} if given.actions else shown


_SUITE_OF_RUN = {
    "id",
    "node_id",
    "head_branch",
    "head_sha",
    "status",
    "conclusion",
    "url",
    "before",
    "after",
    "pull_requests",
    "app",
    "created_at",
    "updated_at",
}


def deployment(forge: Forge, repo: Repository, given: Deployment) -> dict[str, Any]:
    url = f"{_api(forge, repo)}/deployments/{given.id}"
    return {
        "url": url,
        "id": given.id,
        "node_id": f"DE_{given.id}",
        "task": given.task,
        "original_environment": given.environment,
        "environment": given.environment,
        "description": given.description,
        "created_at": given.created_at,
        "updated_at": given.updated_at,
        "statuses_url": f"{url}/statuses",
        "repository_url": _api(forge, repo),
        "creator": views.user(forge, given.creator),
        "sha": given.sha,
        "ref": given.ref,
        "payload": given.payload,
        "transient_environment": given.transient,
        "production_environment": given.production,
        "performed_via_github_app": None,
    }


def deployment_status(forge: Forge, repo: Repository, of: Deployment, given: DeploymentStatus) -> dict[str, Any]:
    url = f"{_api(forge, repo)}/deployments/{of.id}"
    return {
        "url": f"{url}/statuses/{given.id}",
        "id": given.id,
        "node_id": f"DES_{given.id}",
        "state": given.state,
        "creator": views.user(forge, given.creator),
        "description": given.description,
        "environment": given.environment,
        "target_url": given.log_url,
        "created_at": given.created_at,
        "updated_at": given.created_at,
        "deployment_url": url,
        "repository_url": _api(forge, repo),
        "environment_url": given.environment_url,
        "log_url": given.log_url,
        "performed_via_github_app": None,
    }


def pushed_commit(forge: Forge, repo: Repository, given: Commit) -> dict[str, Any]:
    """A commit as a push event tells it."""
    people = {
        name: {"name": who[0], "email": who[1]}
        for name, who in (("author", given.author), ("committer", given.committer))
    }
    return {
        "id": given.sha,
        "tree_id": given.tree,
        "distinct": True,
        "message": given.message,
        "timestamp": forge.at(given.committer[2]),
        "url": f"{forge.web_url}/{repo.full_name}/commit/{given.sha}",
        **people,
        **repo.git.touched(given.sha),
    }
