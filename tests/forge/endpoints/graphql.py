"""The few GraphQL mutations and queries that such an App sends. Answers hold every field that any of them may ask for."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from tests.forge import moves, rules, views_talk
from tests.forge.git import GITHUB, GitError
from tests.forge.routes import Call, GitHubError, route
from tests.forge.world import AutoMerge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forge.world import Pull, Repository

_FIELD = re.compile(r"\{\s*(?:(?P<alias>\w+)\s*:\s*)?(?P<name>\w+)")


class GraphQLError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@route("POST /graphql", app=None)
def graphql(call: Call):
    """200 for everything, with `errors` where it failed, as GraphQL has it."""
    match = _FIELD.search(call.required("query", "Query"))
    name, variables = match["name"] if match else "", call.field("variables", {})
    key = (match["alias"] or name) if match else name
    try:
        return {"data": {key: _FIELDS.get(name, _unknown)(call, variables.get("input", variables))}}
    except GraphQLError as error:
        return {"data": {key: None}, "errors": [{"type": error.kind, "path": [key], "message": str(error)}]}


def _may(call: Call, repository: Repository | None, *permissions: str) -> Repository:
    """Raises what GraphQL says to who may not."""
    actor = call.actor
    if repository is None or (repository.private and actor.kind == "person" and repository.role(actor.user) == "none"):
        raise GraphQLError("NOT_FOUND", "Could not resolve to a Repository.")
    if actor.kind == "person":
        allowed = repository.role(actor.user) in ("write", "maintain", "admin")
    else:
        allowed = actor.reaches(repository) and all(actor.has(permission, "write") for permission in permissions)
    if not allowed:
        raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
    return repository


def _pull(call: Call, node: str) -> tuple[Repository, Pull]:
    for repository in call.forge.repositories.values():
        for pull in repository.pulls:
            if f"PR_{pull.issue.id}" == node:
                return _may(call, repository, "pull_requests"), pull
    raise GraphQLError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")


def _shown(pull: Pull) -> dict[str, Any]:
    auto = (
        {"enabledAt": pull.issue.updated_at, "mergeMethod": pull.auto_merge.method.upper()} if pull.auto_merge else None
    )
    state = "MERGED" if pull.merged else pull.issue.state.upper()
    return {
        "id": f"PR_{pull.issue.id}",
        "number": pull.number,
        "isDraft": pull.draft,
        "state": state,
        "headRefOid": pull.head_sha,
        "autoMergeRequest": auto,
    }


def _draft(*, to: bool, action: str) -> Callable[[Call, dict[str, Any]], Any]:
    def change(call: Call, given: dict[str, Any]):
        repository, pull = _pull(call, given["pullRequestId"])
        if not pull.open:
            raise GraphQLError("UNPROCESSABLE", "Pull request is closed")
        if pull.draft is not to:
            pull.draft = to
            pull.issue.updated_at = call.forge.now()
            shown = views_talk.pull(call.forge, repository, pull)
            call.forge.emit(repository, "pull_request", action, call.actor, number=pull.number, pull_request=shown)
        return {"clientMutationId": None, "pullRequest": _shown(pull)}

    return change


def _enable_auto_merge(call: Call, given: dict[str, Any]):
    repository, pull = _pull(call, given["pullRequestId"])
    _may(call, repository, "contents")
    if not repository.auto_merge_allowed:
        raise GraphQLError("UNPROCESSABLE", "Auto merge is not allowed for this repository")
    if pull.draft:
        raise GraphQLError("UNPROCESSABLE", "Pull request Pull request is in draft state")
    state = views_talk.mergeable_state(repository, pull)
    if state in ("clean", "unstable", "dirty"):
        raise GraphQLError("UNPROCESSABLE", f"Pull request Pull request is in {state} status")
    pull.auto_merge = AutoMerge(
        call.actor, given.get("mergeMethod", "MERGE").lower(), given.get("commitHeadline"), given.get("commitBody")
    )
    shown = views_talk.pull(call.forge, repository, pull)
    call.forge.emit(
        repository, "pull_request", "auto_merge_enabled", call.actor, number=pull.number, pull_request=shown
    )
    return {"clientMutationId": None, "actor": {"login": call.actor.user.login}, "pullRequest": _shown(pull)}


def _disable_auto_merge(call: Call, given: dict[str, Any]):
    repository, pull = _pull(call, given["pullRequestId"])
    pull.auto_merge = None
    shown = views_talk.pull(call.forge, repository, pull)
    call.forge.emit(
        repository, "pull_request", "auto_merge_disabled", call.actor, number=pull.number, pull_request=shown, reason=""
    )
    return {"clientMutationId": None, "pullRequest": _shown(pull)}


def _create_commit(call: Call, given: dict[str, Any]):
    where = given["branch"]
    repository = _may(call, call.forge.find_repository(where.get("repositoryNameWithOwner", "")), "contents")
    branch, git = where["branchName"].removeprefix("refs/heads/"), repository.git
    tip = git.tip(branch)
    if tip is None:
        raise GraphQLError("NOT_FOUND", f"No such branch `{branch}` in repository.")
    if tip != given["expectedHeadOid"]:
        raise GraphQLError(
            "STALE_DATA",
            f'Expected branch to point to "{given["expectedHeadOid"]}" but it did not. Pull and try again.',
        )
    if refused := rules.against_write(repository, call.actor, branch, signed=True):
        raise GraphQLError("BRANCH_PROTECTION_RULE_VIOLATION", refused)
    files = given["fileChanges"]
    changes: dict[str, bytes | None] = {one["path"]: None for one in files.get("deletions", [])}
    changes |= {one["path"]: base64.b64decode(one["contents"]) for one in files.get("additions", [])}
    if (
        call.actor.by_app
        and not call.actor.has("workflows", "write")
        and any(path.startswith(".github/workflows/") for path in changes)
    ):
        raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
    message = (
        given["message"]["headline"]
        + (f"\n\n{given['message']['body']}" if given["message"].get("body") else "")
        + "\n"
    )
    author = (call.actor.user.login, call.actor.user.email)
    try:
        commit = git.write_commit(git.write_tree(tip, changes), [tip], message, author, GITHUB)
        repository.verified.add(commit)
        moves.move(call.forge, repository, call.actor, moves.Update(f"refs/heads/{branch}", tip, commit))
    except (GitError, GitHubError) as error:
        raise GraphQLError("UNPROCESSABLE", str(error)) from error
    url = f"{call.forge.web_url}/{repository.full_name}/commit/{commit}"
    return {
        "clientMutationId": None,
        "commit": {"oid": commit, "url": url, "signature": {"isValid": True}},
        "ref": {"name": branch},
    }


def _minimize(call: Call, given: dict[str, Any]):
    return {
        "clientMutationId": None,
        "minimizedComment": {"isMinimized": True, "minimizedReason": given["classifier"].lower()},
    }


def _unknown(_call: Call, _given: dict[str, Any]):
    raise GraphQLError("undefinedField", "The forge does not know this field.")


def _viewer(call: Call, _given: dict[str, Any]):
    return {"login": call.actor.user.login}


def _repository(call: Call, given: dict[str, Any]):
    """`repository(owner, name) { … pullRequest(number) … }`, from variables of those names."""
    found = call.forge.find_repository(f"{given.get('owner')}/{given.get('name')}")
    if found is None:
        raise GraphQLError(
            "NOT_FOUND", f"Could not resolve to a Repository with the name '{given.get('owner')}/{given.get('name')}'."
        )
    shown: dict[str, Any] = {
        "id": f"R_{found.id}",
        "nameWithOwner": found.full_name,
        "autoMergeAllowed": found.auto_merge_allowed,
    }
    if "number" in given:
        issue = found.issues.get(given["number"])
        shown["pullRequest"] = _shown(issue.pull) if issue and issue.pull else None
    return shown


_FIELDS: dict[str, Callable[[Call, dict[str, Any]], Any]] = {
    "createCommitOnBranch": _create_commit,
    "markPullRequestReadyForReview": _draft(to=False, action="ready_for_review"),
    "convertPullRequestToDraft": _draft(to=True, action="converted_to_draft"),
    "enablePullRequestAutoMerge": _enable_auto_merge,
    "disablePullRequestAutoMerge": _disable_auto_merge,
    "minimizeComment": _minimize,
    "viewer": _viewer,
    "repository": _repository,
}
