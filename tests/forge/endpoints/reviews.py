"""Reviews, their comments, and who is asked for one."""

from __future__ import annotations

from typing import Any

from tests.forge import merging, views, views_talk
from tests.forge.endpoints.issues import REACTIONS, add_reaction, checked_body
from tests.forge.routes import Call, Created, GitHubError, invalid, not_found, route
from tests.forge.world import Review, ReviewComment

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_OWN = {
    "APPROVE": "Can not approve your own pull request",
    "REQUEST_CHANGES": "Can not request changes on your own pull request",
}
_NO_COLLABORATOR = (
    "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
    "is not a collaborator of the {} repository."
)
_PULL = "/repos/{owner}/{repo}/pulls/{number:int}"


@route(f"POST {_PULL}/reviews", app="pull_requests:write")
def create_review(call: Call):
    given, event = call.pull, call.field("event", "PENDING")
    if event in _OWN and given.issue.user is call.actor.user:
        raise GitHubError(422, "Unprocessable Entity", errors=[_OWN[event]])
    body = checked_body(call.field("body"), "PullRequestReview")
    if event in ("REQUEST_CHANGES", "COMMENT") and not body and not call.field("comments"):
        raise GitHubError(422, "Unprocessable Entity", errors=["Body can't be blank"])
    commit = call.field("commit_id", given.head_sha)
    made = Review(call.forge.next_id(), call.actor.user, _STATES.get(event, "PENDING"), body, commit, call.forge.now())
    given.reviews.append(made)
    given.requested_reviewers = [one for one in given.requested_reviewers if one is not call.actor.user]
    for one in call.field("comments", []):
        _add_comment(call, made, one)
    if event != "PENDING":
        _tell(call, made, "submitted")
        for one in given.comments:
            if one.review is made:
                _tell_comment(call, one)
        merging.try_auto_merges(call.forge, call.repo)
    return views_talk.review(call.forge, call.repo, given, made)


@route(f"GET {_PULL}/reviews", app="pull_requests:read")
def reviews(call: Call):
    return [views_talk.review(call.forge, call.repo, call.pull, one) for one in call.pull.reviews]


@route(f"PUT {_PULL}/reviews/{{review:int}}/dismissals", app="pull_requests:write", person="write")
def dismiss(call: Call):
    given = next((one for one in call.pull.reviews if one.id == call.params["review"]), None)
    if given is None:
        raise not_found()
    given.state = "DISMISSED"
    _tell(call, given, "dismissed")
    return views_talk.review(call.forge, call.repo, call.pull, given)


def _tell(call: Call, given: Review, action: str) -> None:
    shown = views_talk.review(call.forge, call.repo, call.pull, given)
    shown["state"] = shown["state"].lower()  # in events, not in answers
    call.forge.emit(call.repo, "pull_request_review", action, call.actor, review=shown, pull_request=_brief(call))


def _brief(call: Call):
    return views_talk.pull(call.forge, call.repo, call.pull, brief=True)


# Comments on lines


@route(f"POST {_PULL}/comments", app="pull_requests:write")
def create_comment(call: Call):
    given = call.pull
    review = Review(
        call.forge.next_id(),
        call.actor.user,
        "COMMENTED",
        "",
        call.field("commit_id", given.head_sha),
        call.forge.now(),
    )
    given.reviews.append(review)
    made = _add_comment(call, review, call.body)
    _tell_comment(call, made)
    return Created(views_talk.review_comment(call.forge, call.repo, given, made))


@route(f"GET {_PULL}/comments", app="pull_requests:read")
def comments(call: Call):
    return [views_talk.review_comment(call.forge, call.repo, call.pull, one) for one in call.pull.comments]


def _add_comment(call: Call, review: Review, given) -> ReviewComment:
    body = checked_body(given.get("body"), "PullRequestReviewComment")
    line = given.get("line") or given.get("position") or 1
    made = ReviewComment(
        call.forge.next_id(),
        review,
        call.actor.user,
        body,
        given["path"],
        line,
        given.get("side", "RIGHT"),
        call.forge.now(),
        given.get("in_reply_to"),
    )
    call.pull.comments.append(made)
    return made


def _tell_comment(call: Call, given: ReviewComment) -> None:
    shown = views_talk.review_comment(call.forge, call.repo, call.pull, given)
    call.forge.emit(
        call.repo, "pull_request_review_comment", "created", call.actor, comment=shown, pull_request=_brief(call)
    )


@route("POST /repos/{owner}/{repo}/pulls/comments/{comment:int}/reactions", app="pull_requests:write")
def react(call: Call):
    if call.field("content") not in REACTIONS:
        raise invalid("Reaction", "content")
    for pull in call.repo.pulls:
        for one in pull.comments:
            if one.id == call.params["comment"]:
                return add_reaction(call, one.reactions, call.field("content"))
    raise not_found()


# Requested reviewers


@route(f"GET {_PULL}/requested_reviewers", app="pull_requests:read")
def requested(call: Call):
    shown = _brief(call)
    return {"users": shown["requested_reviewers"], "teams": shown["requested_teams"]}


@route(f"POST {_PULL}/requested_reviewers", app="pull_requests:write", person="triage")
def request_reviewers(call: Call):
    given = call.pull
    people = [call.forge.find_account(login) for login in call.field("reviewers", [])]
    teams = call.field("team_reviewers", [])
    if (
        any(one is None or call.repo.roles.get(one.login, "none") == "none" for one in people)
        or not set(teams) <= call.repo.teams
    ):
        raise GitHubError(422, _NO_COLLABORATOR.format(call.repo.full_name))
    if given.issue.user in people:
        raise GitHubError(422, "Review cannot be requested from pull request author.")
    for one in people:
        if one not in given.requested_reviewers:
            given.requested_reviewers.append(one)
            _tell_request(call, requested_reviewer=views.user(call.forge, one))
    for one in teams:
        if one not in given.requested_teams:
            given.requested_teams.append(one)
            _tell_request(call, requested_team=views_talk.team(call.forge, call.repo, one))
    return Created(_brief(call))


def _tell_request(call: Call, **who: Any) -> None:
    shown = views_talk.pull(call.forge, call.repo, call.pull)
    call.forge.emit(
        call.repo, "pull_request", "review_requested", call.actor, number=call.pull.number, pull_request=shown, **who
    )


@route(f"DELETE {_PULL}/requested_reviewers", app="pull_requests:write", person="triage")
def remove_reviewers(call: Call):
    gone = set(call.field("reviewers", []))
    call.pull.requested_reviewers = [one for one in call.pull.requested_reviewers if one.login not in gone]
    return _brief(call)
