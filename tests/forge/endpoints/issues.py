"""Issues, their comments, labels, assignees and reactions; all of it holds for pull requests too."""

from __future__ import annotations

from typing import Any

from tests.forge import merging, views_talk
from tests.forge.routes import Call, Created, GitHubError, invalid, not_found, route
from tests.forge.world import ROLES, Comment, Issue, Label, Reaction

LONGEST_BODY = 65_536  # characters; what GitHub's message says
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_TALK = "issues|pull_requests"


def checked_body(text: Any, resource: str) -> str:
    if text is not None and not isinstance(text, str):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/body', {text!r} is not a string.")
    if text and len(text) > LONGEST_BODY:
        raise invalid(resource, "body", "custom", "body is too long (maximum is 65536 characters)")
    return text or ""


def new_issue(call: Call, resource: str) -> Issue:
    """With the next number of the repository; not yet told to anybody."""
    number, now = len(call.repo.issues) + 1, call.forge.now()
    body, title = checked_body(call.field("body"), resource), call.required("title", resource)
    made = Issue(call.forge.next_id(), number, call.actor.user, title, body, now, now, by_app=call.actor.by_app)
    call.repo.issues[number] = made
    return made


@route("POST /repos/{owner}/{repo}/issues", app="issues:write")
def create_issue(call: Call):
    made = new_issue(call, "Issue")
    if _may_triage(call):
        made.labels = [_label_named(call, name) for name in call.field("labels", [])]
        made.assignees = [call.forge.account(login) for login in call.field("assignees", [])]
    shown = views_talk.issue(call.forge, call.repo, made)
    call.forge.emit(call.repo, "issues", "opened", call.actor, issue=shown)
    for label in made.labels:
        call.forge.emit(
            call.repo,
            "issues",
            "labeled",
            call.actor,
            issue=shown,
            label=views_talk.label(call.forge, call.repo, label),
        )
    return Created(shown)


@route("GET /repos/{owner}/{repo}/issues", app=f"{_TALK}:read")
def issues(call: Call):
    """Newest first; of the filters: state, labels, creator, since."""
    state, wanted = call.query.get("state", "open"), set(filter(None, call.query.get("labels", "").split(",")))
    found = [
        one
        for one in reversed(call.repo.issues.values())
        if state in ("all", one.state)
        and wanted <= set(one.label_names)
        and call.query.get("creator", one.user.login) in (one.user.login, f"app/{one.user.login.removesuffix('[bot]')}")
        and one.updated_at >= call.query.get("since", "")
    ]
    return [views_talk.issue(call.forge, call.repo, one) for one in found]


@route("GET /repos/{owner}/{repo}/issues/{number:int}", app=f"{_TALK}:read")
def issue(call: Call):
    return views_talk.issue(call.forge, call.repo, call.issue)


@route("PATCH /repos/{owner}/{repo}/issues/{number:int}", app=f"{_TALK}:write")
def change_issue(call: Call):
    given = call.issue
    if call.actor.kind == "person" and given.user is not call.actor.user and not _may_triage(call):
        raise GitHubError(403, "Must have admin rights to Repository.")
    edit(call, given, "Issue")
    if "labels" in call.body and _may_triage(call):
        set_labels_to(call, given, [_label_named(call, _name(one)) for one in call.field("labels", [])])
    if "assignees" in call.body and _may_triage(call):
        given.assignees = [call.forge.account(login) for login in call.field("assignees", [])]
    set_state(call, given)
    return views_talk.issue(call.forge, call.repo, given)


def edit(call: Call, given: Issue, resource: str) -> None:
    """Title and body."""
    changes: dict[str, Any] = {}
    if "title" in call.body and call.body["title"] != given.title:
        changes["title"], given.title = {"from": given.title}, call.required("title", resource)
    if "body" in call.body and (call.body["body"] or "") != given.body:
        changes["body"], given.body = {"from": given.body}, checked_body(call.body["body"], resource)
    if changes:
        given.updated_at = call.forge.now()
        tell(call, given, "edited", changes=changes)


def set_state(call: Call, given: Issue) -> None:
    state = call.field("state", given.state)
    if state == given.state:
        return
    if state == "closed" and given.pull:
        merging.close(call.forge, call.repo, given.pull, call.actor)
    elif state == "closed":
        merging.close_issue(call.forge, call.repo, given, call.actor, call.field("state_reason", "completed"))
    else:
        if given.pull and given.pull.merged:
            raise invalid(
                "PullRequest", "state", "custom", "state cannot be changed. The pull request cannot be reopened."
            )
        given.state, given.state_reason, given.closed_at, given.closed_by = (
            "open",
            None if given.pull else "reopened",
            None,
            None,
        )
        tell(call, given, "reopened")


def tell(call: Call, given: Issue, action: str, **more: Any) -> None:
    """An event of the issue: for a pull request it is a `pull_request` event."""
    if given.pull:
        shown = views_talk.pull(call.forge, call.repo, given.pull)
        call.forge.emit(call.repo, "pull_request", action, call.actor, number=given.number, pull_request=shown, **more)
    else:
        call.forge.emit(
            call.repo, "issues", action, call.actor, issue=views_talk.issue(call.forge, call.repo, given), **more
        )


def _may_triage(call: Call) -> bool:
    return call.actor.kind == "installation" or ROLES.index(call.repo.role(call.actor.user)) >= ROLES.index("triage")


# Comments


@route("POST /repos/{owner}/{repo}/issues/{number:int}/comments", app=f"{_TALK}:write")
def create_comment(call: Call):
    given = call.issue
    if given.locked and not _may_triage(call):
        raise GitHubError(403, "Unable to create comment because issue is locked.")
    body = checked_body(call.required("body", "IssueComment"), "IssueComment")
    now = call.forge.now()
    made = Comment(call.forge.next_id(), given, call.actor.user, body, now, now, by_app=call.actor.by_app)
    given.comments.append(made)
    given.updated_at = now
    return Created(_tell_comment(call, made, "created"))


@route("GET /repos/{owner}/{repo}/issues/{number:int}/comments", app=f"{_TALK}:read")
def comments(call: Call):
    found = [one for one in call.issue.comments if one.updated_at >= call.query.get("since", "")]
    return [views_talk.comment(call.forge, call.repo, one) for one in found]


@route("GET /repos/{owner}/{repo}/issues/comments", app=f"{_TALK}:read")
def comments_of_repository(call: Call):
    return [views_talk.comment(call.forge, call.repo, one) for one in call.repo.comments]


@route("GET /repos/{owner}/{repo}/issues/comments/{comment:int}", app=f"{_TALK}:read")
def comment(call: Call):
    return views_talk.comment(call.forge, call.repo, _comment(call))


@route("PATCH /repos/{owner}/{repo}/issues/comments/{comment:int}", app=f"{_TALK}:write")
def change_comment(call: Call):
    given = _own_comment(call)
    body = checked_body(call.required("body", "IssueComment"), "IssueComment")
    changes = {"body": {"from": given.body}}
    given.body, given.updated_at, given.edits = body, call.forge.now(), given.edits + 1
    return _tell_comment(call, given, "edited", changes=changes)


@route("DELETE /repos/{owner}/{repo}/issues/comments/{comment:int}", app=f"{_TALK}:write")
def delete_comment(call: Call):
    given = _own_comment(call)
    given.issue.comments.remove(given)
    _tell_comment(call, given, "deleted")


def _tell_comment(call: Call, given: Comment, action: str, **more: Any) -> dict[str, Any]:
    shown = views_talk.comment(call.forge, call.repo, given)
    issue_shown = views_talk.issue(call.forge, call.repo, given.issue)
    call.forge.emit(call.repo, "issue_comment", action, call.actor, issue=issue_shown, comment=shown, **more)
    return shown


def _comment(call: Call) -> Comment:
    for one in call.repo.comments:
        if one.id == call.params["comment"]:
            return one
    raise not_found()


def _own_comment(call: Call) -> Comment:
    given = _comment(call)
    if (
        call.actor.kind == "person"
        and given.user is not call.actor.user
        and call.repo.role(call.actor.user) not in ("write", "maintain", "admin")
    ):
        raise GitHubError(403, "Must have admin rights to Repository.")
    return given


# Labels and assignees of an issue


@route("GET /repos/{owner}/{repo}/issues/{number:int}/labels", app=f"{_TALK}:read")
def labels(call: Call):
    return [views_talk.label(call.forge, call.repo, one) for one in call.issue.labels]


@route("POST /repos/{owner}/{repo}/issues/{number:int}/labels", app=f"{_TALK}:write", person="triage")
def add_labels(call: Call):
    names = _names(call)
    set_labels_to(
        call, call.issue, list(dict.fromkeys([*call.issue.labels, *(_label_named(call, name) for name in names)]))
    )
    return labels(call)


@route("PUT /repos/{owner}/{repo}/issues/{number:int}/labels", app=f"{_TALK}:write", person="triage")
def set_labels(call: Call):
    set_labels_to(call, call.issue, [_label_named(call, name) for name in _names(call)])
    return labels(call)


@route("DELETE /repos/{owner}/{repo}/issues/{number:int}/labels/{name}", app=f"{_TALK}:write", person="triage")
def remove_label(call: Call):
    kept = [one for one in call.issue.labels if one.name.lower() != call.params["name"].lower()]
    if len(kept) == len(call.issue.labels):
        raise GitHubError(404, "Label does not exist")
    set_labels_to(call, call.issue, kept)
    return labels(call)


def _names(call: Call) -> list[str]:
    given = call.body.get("labels", []) if isinstance(call.body, dict) else call.body
    return [_name(one) for one in given or []]


def _name(given: Any) -> str:
    return given["name"] if isinstance(given, dict) else given


def _label_named(call: Call, name: str) -> Label:
    """Found, or made: GitHub makes labels on the way."""
    return call.repo.labels.setdefault(name.lower(), Label(call.forge.next_id(), name))


def set_labels_to(call: Call, given: Issue, wanted: list[Label]) -> None:
    before, given.labels = given.labels, wanted
    given.updated_at = call.forge.now()
    for action, changed in (
        ("labeled", [one for one in wanted if one not in before]),
        ("unlabeled", [one for one in before if one not in wanted]),
    ):
        for label in changed:
            tell(call, given, action, label=views_talk.label(call.forge, call.repo, label))


@route("POST /repos/{owner}/{repo}/issues/{number:int}/assignees", app=f"{_TALK}:write", person="triage")
def add_assignees(call: Call):
    given = call.issue
    given.assignees = list(
        dict.fromkeys([*given.assignees, *(call.forge.account(login) for login in call.field("assignees", []))])
    )
    return Created(views_talk.issue(call.forge, call.repo, given))


@route("PUT /repos/{owner}/{repo}/issues/{number:int}/lock", app=f"{_TALK}:write", person="triage")
def lock(call: Call):
    call.issue.locked = True


# Reactions


def _reactions_of(call: Call) -> list[Reaction]:
    return call.issue.reactions if "number" in call.params else _comment(call).reactions


@route("GET /repos/{owner}/{repo}/issues/{number:int}/reactions", app=f"{_TALK}:read")
@route("GET /repos/{owner}/{repo}/issues/comments/{comment:int}/reactions", app=f"{_TALK}:read")
def reactions(call: Call):
    return [
        views_talk.reaction(call.forge, one)
        for one in _reactions_of(call)
        if call.query.get("content", one.content) == one.content
    ]


@route("POST /repos/{owner}/{repo}/issues/{number:int}/reactions", app=f"{_TALK}:write")
@route("POST /repos/{owner}/{repo}/issues/comments/{comment:int}/reactions", app=f"{_TALK}:write")
def react(call: Call):
    content = call.field("content")
    if content not in REACTIONS:
        raise invalid("Reaction", "content")
    return add_reaction(call, _reactions_of(call), content)


def add_reaction(call: Call, given: list[Reaction], content: str):
    """201; 200 with the one that is there, for the second of the same."""
    for one in given:
        if one.user is call.actor.user and one.content == content:
            return views_talk.reaction(call.forge, one)
    made = Reaction(call.forge.next_id(), call.actor.user, content, call.forge.now())
    given.append(made)
    return Created(views_talk.reaction(call.forge, made))


@route("DELETE /repos/{owner}/{repo}/issues/{number:int}/reactions/{id:int}", app=f"{_TALK}:write")
@route("DELETE /repos/{owner}/{repo}/issues/comments/{comment:int}/reactions/{id:int}", app=f"{_TALK}:write")
def unreact(call: Call):
    given = _reactions_of(call)
    found = next((one for one in given if one.id == call.params["id"] and one.user is call.actor.user), None)
    if found is None:
        raise not_found()
    given.remove(found)
