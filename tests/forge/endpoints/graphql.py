"""The few GraphQL mutations and queries that such an App sends. Answers hold every field that any of them may ask for."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.forge import moves, rules, views_talk
from tests.forge.endpoints import issues
from tests.forge.git import GITHUB, GitError
from tests.forge.routes import Call, GitHubError, route
from tests.forge.world import AutoMerge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forge.world import Issue, Pull, Repository

_FIELD = re.compile(r"\{\s*(?:(?P<alias>\w+)\s*:\s*)?(?P<name>\w+)")
_MUTATION = re.compile(r"(?:(?P<alias>\w+)\s*:\s*)?(?P<name>\w+)\s*\(\s*input\s*:\s*\$(?P<variable>\w+)\s*\)")


class GraphQLError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@route("POST /graphql", app=None)
def graphql(call: Call):
    """200 for everything, with `errors` where it failed, as GraphQL has it. Mutations are carried out in their order."""
    query, variables = call.required("query", "Query"), call.field("variables", {})
    fields = [(each, variables[each["variable"]]) for each in _MUTATION.finditer(query)]
    fields = fields or [(each, variables) for each in _FIELD.finditer(query)][:1]
    answer: dict[str, Any] = {"data": {}}
    for match, given in fields:
        key = match["alias"] or match["name"]
        try:
            answer["data"][key] = _FIELDS.get(match["name"], _unknown)(call, given)
        except GraphQLError as error:
            answer["data"][key] = None
            answer.setdefault("errors", []).append({"type": error.kind, "path": [key], "message": str(error)})
    return answer


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


def _talk(call: Call, node: str) -> tuple[Call, Issue]:
    """An issue or pull request, and a call to its repository."""
    for repository in call.forge.repositories.values():
        for issue in repository.issues.values():
            if views_talk.node_id(issue) == node:
                return _talking(call, repository), issue
    raise GraphQLError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")


def _talking(call: Call, repository: Repository) -> Call:
    """For a write to issues and pull requests, for which one of both permissions is enough."""
    permission = "issues" if call.actor.kind == "person" or call.actor.has("issues", "write") else "pull_requests"
    return replace(call, repository=_may(call, repository, permission))


def _labels(*, add: bool) -> Callable[[Call, dict[str, Any]], Any]:
    def change(call: Call, given: dict[str, Any]):
        there, issue = _talk(call, given["labelableId"])
        known = {f"LA_{label.id}": label for label in there.repo.labels.values()}
        missing = next((each for each in given["labelIds"] if each not in known), None)
        if missing is not None:
            raise GraphQLError("NOT_FOUND", f"Could not resolve to a node with the global id of '{missing}'")
        meant = [known[each] for each in given["labelIds"]]
        others = [label for label in issue.labels if label not in meant]
        issues.set_labels_to(there, issue, [*others, *meant] if add else others)
        return {"clientMutationId": None}

    return change


def _update_comment(call: Call, given: dict[str, Any]):
    for repository in call.forge.repositories.values():
        for comment in repository.comments:
            if f"IC_{comment.id}" == given["id"]:
                there = _talking(call, repository)
                _done(issues.change_comment, replace(there, params={"comment": comment.id}, body=given))
                return {"clientMutationId": None}
    raise GraphQLError("NOT_FOUND", f"Could not resolve to a node with the global id of '{given['id']}'")


def _update_pull(call: Call, given: dict[str, Any]):
    repository, pull = _pull(call, given["pullRequestId"])
    _done(issues.edit, replace(call, repository=repository, body=given), pull.issue, "PullRequest")
    return {"clientMutationId": None, "pullRequest": _shown(pull)}


def _done(change: Callable[..., Any], *given: Any) -> None:
    try:
        change(*given)
    except GitHubError as error:
        raise GraphQLError("UNPROCESSABLE", str(error)) from error


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
    "addLabelsToLabelable": _labels(add=True),
    "removeLabelsFromLabelable": _labels(add=False),
    "updateIssueComment": _update_comment,
    "updatePullRequest": _update_pull,
    "minimizeComment": _minimize,
    "viewer": _viewer,
    "repository": _repository,
}
