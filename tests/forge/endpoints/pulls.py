"""Pull requests: open, edit, list, merge, bring up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from tests.forge import merging, moves, views_git, views_talk
from tests.forge.endpoints.issues import edit, new_issue, set_state
from tests.forge.git import GITHUB
from tests.forge.routes import Accepted, Call, Created, GitHubError, invalid, route
from tests.forge.world import Pull

if TYPE_CHECKING:
    from tests.forge.world import Repository


@route("POST /repos/{owner}/{repo}/pulls", app="pull_requests:write")
def open_pull(call: Call):
    repo, base_ref = call.repo, call.required("base", "PullRequest")
    head_repo, head_ref = _head(call, call.required("head", "PullRequest"))
    base, head = repo.git.tip(base_ref), head_repo.git.tip(head_ref)
    if base is None:
        raise invalid("PullRequest", "base")
    if head is None:
        raise invalid("PullRequest", "head")
    if any(
        one.head_repository is head_repo and one.head_ref == head_ref and one.base_ref == base_ref
        for one in repo.open_pulls
    ):
        raise invalid(
            "PullRequest", None, "custom", f"A pull request already exists for {head_repo.owner.login}:{head_ref}."
        )
    moves.keep_head(repo, head_repo, len(repo.issues) + 1, head)
    if repo.git.compare(base, head).commits == 0:
        raise invalid("PullRequest", None, "custom", f"No commits between {base_ref} and {head_ref}")
    issue = new_issue(call, "PullRequest")
    made = issue.pull = Pull(issue, head_repo, head_ref, head, base_ref, base, draft=call.field("draft", False))
    shown = views_talk.pull(call.forge, repo, made)
    call.forge.emit(repo, "pull_request", "opened", call.actor, number=issue.number, pull_request=shown)
    return Created(shown)


def _head(call: Call, head: str) -> tuple[Repository, str]:
    """`branch`, or `owner:branch` of a fork."""
    owner, colon, ref = head.rpartition(":")
    if not colon or owner == call.repo.owner.login:
        return call.repo, ref
    for repository in call.forge.repositories.values():
        if repository.owner.login == owner and repository.parent is call.repo:
            return repository, ref
    raise invalid("PullRequest", "head")


@route("GET /repos/{owner}/{repo}/pulls", app="pull_requests:read")
def pulls(call: Call):
    state, query = call.query.get("state", "open"), call.query
    found = [
        one
        for one in call.repo.pulls
        if state in ("all", one.issue.state)
        and query.get("head", "") in ("", f"{one.head_repository.owner.login}:{one.head_ref}")
        and query.get("base", "") in ("", one.base_ref)
    ]
    newest_first = query.get("direction", "desc" if query.get("sort", "created") == "created" else "asc") == "desc"
    return [
        views_talk.pull(call.forge, call.repo, one, brief=True) for one in (reversed(found) if newest_first else found)
    ]


@route("GET /repos/{owner}/{repo}/pulls/{number:int}", app="pull_requests:read")
def pull(call: Call):
    given = call.pull
    if "diff" in call.headers.get("accept", ""):
        diff = call.repo.git.run("diff", f"{given.base_sha}...{given.head_sha}")
        return Response(diff, media_type="application/vnd.github.v3.diff; charset=utf-8")
    shown, asked = views_talk.pull(call.forge, call.repo, given), (given.base_sha, given.head_sha)
    if given.open and given.merge_tried != asked:
        given.merge_tried = asked  # GitHub begins to find out when it is first asked, and does not wait for it
        shown |= {"mergeable": None, "rebaseable": None, "mergeable_state": "unknown"}
    return shown


@route("PATCH /repos/{owner}/{repo}/pulls/{number:int}", app="pull_requests:write")
def change_pull(call: Call):
    """Title, body, state and base; `draft` is ignored, as GitHub does (only GraphQL changes it)."""
    given = call.pull
    if (
        call.actor.kind == "person"
        and given.issue.user is not call.actor.user
        and call.repo.role(call.actor.user) not in ("write", "maintain", "admin")
    ):
        raise GitHubError(403, "Must have admin rights to Repository.")
    edit(call, given.issue, "PullRequest")
    if base := call.field("base"):
        tip = call.repo.git.tip(base)
        if tip is None:
            raise invalid("PullRequest", "base")
        given.base_ref, given.base_sha = base, tip
    set_state(call, given.issue)
    return views_talk.pull(call.forge, call.repo, given)


@route("GET /repos/{owner}/{repo}/pulls/{number:int}/files", app="pull_requests:read")
def files(call: Call):
    given = call.pull
    base = call.repo.git.compare(given.base_sha, given.head_sha).merge_base
    return [
        views_git.changed_file(call.forge, call.repo, given.head_sha, one)
        for one in call.repo.git.changed(base, given.head_sha)
    ]


@route("GET /repos/{owner}/{repo}/pulls/{number:int}/commits", app="pull_requests:read")
def commits(call: Call):
    given = call.pull
    found = call.repo.git.log("--reverse", f"{given.base_sha}..{given.head_sha}")
    return [views_git.commit(call.forge, call.repo, one) for one in found]


@route("GET /repos/{owner}/{repo}/pulls/{number:int}/merge", app="pull_requests:read")
def is_merged(call: Call):
    if not call.pull.merged:
        raise GitHubError(404, "Not Found")


@route("PUT /repos/{owner}/{repo}/pulls/{number:int}/merge", app="contents:write", person="write")
def merge(call: Call):
    commit = merging.merge(
        call.forge,
        call.repo,
        call.pull,
        call.actor,
        method=call.field("merge_method", "merge"),
        title=call.field("commit_title"),
        message=call.field("commit_message"),
        sha=call.field("sha"),
    )
    return {"sha": commit, "merged": True, "message": "Pull Request successfully merged"}


@route("PUT /repos/{owner}/{repo}/pulls/{number:int}/update-branch", app="pull_requests:write", person="write")
def update_branch(call: Call):
    """Merge the base into the head."""
    given = call.pull
    if call.field("expected_head_sha", given.head_sha) != given.head_sha:
        raise GitHubError(422, "expected head sha didn't match current head ref.")
    git = given.head_repository.git
    tree = git.merge_tree(given.head_sha, given.base_sha)
    if tree is None:
        raise GitHubError(422, "merge conflict between base and head")
    old, user = given.head_sha, call.actor.user
    message = f"Merge branch '{given.base_ref}' into {given.head_ref}\n"
    new = git.write_commit(tree, [old, given.base_sha], message, (user.login, user.email), GITHUB)
    moves.move(call.forge, given.head_repository, call.actor, moves.Update(f"refs/heads/{given.head_ref}", old, new))
    return Accepted(
        {
            "message": "Updating pull request branch.",
            "url": f"{call.forge.web_url}/{call.repo.full_name}/pull/{given.number}",
        }
    )
