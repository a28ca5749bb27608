"""The shapes of issues, pull requests, and of what people say to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forge import rules
from tests.forge.views import app, repository, user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.forge.forge import Forge
    from tests.forge.world import Account, Comment, Issue, Label, Pull, Reaction, Repository, Review, ReviewComment

_EMOJI = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def label(forge: Forge, repo: Repository, given: Label) -> dict[str, Any]:
    url = f"{forge.api_url}/repos/{repo.full_name}/labels/{given.name}"
    facts = {"id": given.id, "node_id": f"LA_{given.id}", "url": url, "name": given.name, "color": given.color}
    return {**facts, "default": False, "description": given.description, "archived_at": None, "archived_by": None}


def reactions(url: str, given: Iterable[Reaction]) -> dict[str, Any]:
    contents = [reaction.content for reaction in given]
    return {
        "url": f"{url}/reactions",
        "total_count": len(contents),
        **{emoji: contents.count(emoji) for emoji in _EMOJI},
    }


def reaction(forge: Forge, given: Reaction) -> dict[str, Any]:
    return {
        "id": given.id,
        "node_id": f"REA_{given.id}",
        "user": user(forge, given.user),
        "content": given.content,
        "created_at": given.created_at,
    }


def association(repo: Repository, account: Account) -> str:
    if account is repo.owner:
        return "OWNER"
    role = repo.roles.get(account.login, "none")
    return "NONE" if role == "none" else "MEMBER" if role == "admin" else "COLLABORATOR"


def node_id(given: Issue) -> str:
    """Of an issue; of a pull request's own also where it is shown as an issue."""
    return f"{'PR' if given.pull else 'I'}_{given.id}"


def issue(forge: Forge, repo: Repository, given: Issue) -> dict[str, Any]:
    url = f"{forge.api_url}/repos/{repo.full_name}/issues/{given.number}"
    web = f"{forge.web_url}/{repo.full_name}/{'pull' if given.pull else 'issues'}/{given.number}"
    shown = {
        "url": url,
        "repository_url": f"{forge.api_url}/repos/{repo.full_name}",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": web,
        "id": given.id,
        "node_id": node_id(given),
        "number": given.number,
        "title": given.title,
        "user": user(forge, given.user),
        "labels": [label(forge, repo, one) for one in given.labels],
        "state": given.state,
        "state_reason": given.state_reason,
        "locked": given.locked,
        "assignee": user(forge, given.assignees[0]) if given.assignees else None,
        "assignees": [user(forge, one) for one in given.assignees],
        "milestone": None,
        "comments": len(given.comments),
        "created_at": given.created_at,
        "updated_at": given.updated_at,
        "closed_at": given.closed_at,
        "closed_by": user(forge, given.closed_by) if given.closed_by and given.state == "closed" else None,
        "author_association": association(repo, given.user),
        "active_lock_reason": None,
        "body": given.body or None,
        "reactions": reactions(url, given.reactions),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": app(forge) if given.by_app else None,
    }
    if given.pull:
        api = f"{forge.api_url}/repos/{repo.full_name}/pulls/{given.number}"
        links = {"url": api, "html_url": web, "diff_url": f"{web}.diff", "patch_url": f"{web}.patch"}
        shown |= {"draft": given.pull.draft, "pull_request": {**links, "merged_at": given.pull.merged_at}}
    return shown


def comment(forge: Forge, repo: Repository, given: Comment) -> dict[str, Any]:
    url = f"{forge.api_url}/repos/{repo.full_name}/issues/comments/{given.id}"
    where = "pull" if given.issue.pull else "issues"
    return {
        "url": url,
        "html_url": f"{forge.web_url}/{repo.full_name}/{where}/{given.issue.number}#issuecomment-{given.id}",
        "issue_url": f"{forge.api_url}/repos/{repo.full_name}/issues/{given.issue.number}",
        "id": given.id,
        "node_id": f"IC_{given.id}",
        "user": user(forge, given.user),
        "created_at": given.created_at,
        "updated_at": given.updated_at,
        "body": given.body,
        "author_association": association(repo, given.user),
        "reactions": reactions(url, given.reactions),
        "performed_via_github_app": app(forge) if given.by_app else None,
    }


def _branch(forge: Forge, repo: Repository, ref: str, sha: str) -> dict[str, Any]:
    owner = repo.owner
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(forge, owner),
        "repo": repository(forge, repo),
    }


def team(forge: Forge, repo: Repository, slug: str) -> dict[str, Any]:
    url = f"{forge.api_url}/organizations/{repo.owner.id}/team/{slug}"
    facts = {
        "id": sum(slug.encode()),
        "node_id": f"T_{slug}",
        "name": slug,
        "slug": slug,
        "description": None,
        "parent": None,
    }
    rights = {
        "privacy": "closed",
        "permission": "pull",
        "notification_setting": "notifications_enabled",
        "type": "organization",
    }
    links = {"url": url, "html_url": f"{forge.web_url}/orgs/{repo.owner.login}/teams/{slug}"}
    return {**facts, **rights, **links, "members_url": f"{url}/members{{/member}}", "repositories_url": f"{url}/repos"}


def mergeable_state(repo: Repository, given: Pull) -> str:
    if not given.open:
        return "unknown"
    comparison = repo.git.compare(given.base_sha, given.head_sha)
    protection = repo.protections.get(given.base_ref)
    if not comparison.mergeable:
        return "dirty"
    if given.draft:
        return "draft"
    if rules.against_merge(repo, given, None):
        return "blocked"
    if protection and protection.strict and comparison.behind:
        return "behind"
    return "clean" if set(rules.check_states(repo, given.head_sha).values()) <= {"success"} else "unstable"


def pull(forge: Forge, repo: Repository, given: Pull, *, brief: bool = False) -> dict[str, Any]:
    """Whole, or (brief) as lists have it."""
    api, web = f"{forge.api_url}/repos/{repo.full_name}", f"{forge.web_url}/{repo.full_name}"
    url, html, the_issue = f"{api}/pulls/{given.number}", f"{web}/pull/{given.number}", given.issue
    links = {
        "self": url,
        "html": html,
        "issue": f"{api}/issues/{given.number}",
        "comments": f"{api}/issues/{given.number}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{given.head_sha}",
    }
    shown = {
        **{name: value for name, value in issue(forge, repo, the_issue).items() if name in _SHARED_WITH_ISSUES},
        "url": url,
        "id": the_issue.id + 1_000_000,
        "node_id": f"PR_{the_issue.id}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": links["issue"],
        "merged_at": given.merged_at,
        "merge_commit_sha": given.merge_commit_sha,
        "requested_reviewers": [user(forge, one) for one in given.requested_reviewers],
        "requested_teams": [team(forge, repo, slug) for slug in given.requested_teams],
        "draft": given.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": _branch(forge, given.head_repository, given.head_ref, given.head_sha),
        "base": _branch(forge, repo, given.base_ref, given.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "auto_merge": _auto_merge(forge, given),
    }
    if brief:
        return shown
    comparison = repo.git.compare(given.base_sha, given.head_sha)
    return {
        **shown,
        "merged": given.merged,
        "mergeable": comparison.mergeable if given.open else None,
        "rebaseable": comparison.mergeable if given.open else None,
        "mergeable_state": mergeable_state(repo, given),
        "merged_by": user(forge, given.merged_by) if given.merged_by else None,
        "comments": len(the_issue.comments),
        "review_comments": len(given.comments),
        "maintainer_can_modify": False,
        "commits": comparison.commits,
        "additions": comparison.additions,
        "deletions": comparison.deletions,
        "changed_files": comparison.changed_files,
    }


_SHARED_WITH_ISSUES = {
    "number",
    "state",
    "locked",
    "title",
    "user",
    "body",
    "created_at",
    "updated_at",
    "closed_at",
    "assignee",
    "assignees",
    "labels",
    "milestone",
    "author_association",
    "active_lock_reason",
}


def _auto_merge(forge: Forge, given: Pull) -> dict[str, Any] | None:
    wanted = given.auto_merge
    if wanted is None:
        return None
    return {
        "enabled_by": user(forge, wanted.actor.user),
        "merge_method": wanted.method,
        "commit_title": wanted.title,
        "commit_message": wanted.message,
    }


def review(forge: Forge, repo: Repository, of: Pull, given: Review) -> dict[str, Any]:
    api = f"{forge.api_url}/repos/{repo.full_name}/pulls/{of.number}"
    html = f"{forge.web_url}/{repo.full_name}/pull/{of.number}#pullrequestreview-{given.id}"
    return {
        "id": given.id,
        "node_id": f"PRR_{given.id}",
        "user": user(forge, given.user),
        "body": given.body,
        "state": given.state,
        "html_url": html,
        "pull_request_url": api,
        "author_association": association(repo, given.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        "submitted_at": given.submitted_at,
        "commit_id": given.commit_id,
    }


def review_comment(forge: Forge, repo: Repository, of: Pull, given: ReviewComment) -> dict[str, Any]:
    api = f"{forge.api_url}/repos/{repo.full_name}/pulls"
    url, html = (
        f"{api}/comments/{given.id}",
        f"{forge.web_url}/{repo.full_name}/pull/{of.number}#discussion_r{given.id}",
    )
    shown = {
        "url": url,
        "pull_request_review_id": given.review.id,
        "id": given.id,
        "node_id": f"PRRC_{given.id}",
        "diff_hunk": "@@ -1 +1 @@",
        "path": given.path,
        "position": given.line,
        "original_position": given.line,
        "commit_id": given.review.commit_id,
        "original_commit_id": given.review.commit_id,
        "user": user(forge, given.user),
        "body": given.body,
        "created_at": given.created_at,
        "updated_at": given.created_at,
        "html_url": html,
        "pull_request_url": f"{api}/{of.number}",
        "author_association": association(repo, given.user),
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": f"{api}/{of.number}"}},
        "start_line": None,
        "original_start_line": None,
        "start_side": None,
        "line": given.line,
        "original_line": given.line,
        "side": given.side,
        "subject_type": "line",
        "reactions": reactions(url, given.reactions),
    }
    return {**shown, "in_reply_to_id": given.in_reply_to} if given.in_reply_to else shown
