"""The shapes of accounts, the App, its installations and repositories, in answers and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forge.world import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.forge.forge import Forge
    from tests.forge.world import (
        Account,
        Installation,
        Repository,
    )

_USER_LINKS = ("followers", "subscriptions", "organizations", "repos", "received_events")
_REPOSITORY_LINKS = {
    **{
        name: f"/{name}"
        for name in (
            "forks",
            "teams",
            "hooks",
            "events",
            "tags",
            "languages",
            "stargazers",
            "contributors",
            "subscribers",
            "subscription",
            "merges",
            "downloads",
            "deployments",
        )
    },
    "keys": "/keys{/key_id}",
    "collaborators": "/collaborators{/collaborator}",
    "issue_events": "/issues/events{/number}",
    "assignees": "/assignees{/user}",
    "branches": "/branches{/branch}",
    "blobs": "/git/blobs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "git_refs": "/git/refs{/sha}",
    "trees": "/git/trees{/sha}",
    "statuses": "/statuses/{sha}",
    "commits": "/commits{/sha}",
    "git_commits": "/git/commits{/sha}",
    "comments": "/comments{/number}",
    "issue_comment": "/issues/comments{/number}",
    "contents": "/contents/{+path}",
    "compare": "/compare/{base}...{head}",
    "archive": "/{archive_format}{/ref}",
    "issues": "/issues{/number}",
    "pulls": "/pulls{/number}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "labels": "/labels{/name}",
    "releases": "/releases{/id}",
}


def user(forge: Forge, account: Account) -> dict[str, Any]:
    url = f"{forge.api_url}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": f"U_{account.id}",
        "avatar_url": f"{forge.web_url}/avatars/u/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{forge.web_url}/{'apps/' + forge.slug if account.kind == 'Bot' else account.login}",
        **{f"{name}_url": f"{url}/{name}" for name in _USER_LINKS},
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "events_url": f"{url}/events{{/privacy}}",
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def whole_user(forge: Forge, account: Account) -> dict[str, Any]:
    facts = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    dates = {"created_at": forge.started_at, "updated_at": forge.started_at}
    return {**user(forge, account), **facts, "blog": "", **counts, **dates}


def organization(forge: Forge, account: Account) -> dict[str, Any]:
    url = f"{forge.api_url}/orgs/{account.login}"
    links = {f"{name}_url": f"{url}/{name}" for name in ("repos", "events", "hooks", "issues")}
    members = {"members_url": f"{url}/members{{/member}}", "public_members_url": f"{url}/public_members{{/member}}"}
    return {
        "login": account.login,
        "id": account.id,
        "node_id": f"O_{account.id}",
        "url": url,
        **links,
        **members,
        "avatar_url": f"{forge.web_url}/avatars/u/{account.id}?v=4",
        "description": "",
    }


def app(forge: Forge) -> dict[str, Any]:
    return {
        "id": forge.app_id,
        "client_id": forge.client_id,
        "slug": forge.slug,
        "node_id": f"A_{forge.app_id}",
        "owner": user(forge, forge.app_owner),
        "name": forge.app_name,
        "description": "",
        "external_url": forge.web_url,
        "html_url": f"{forge.web_url}/apps/{forge.slug}",
        "created_at": forge.started_at,
        "updated_at": forge.started_at,
        "permissions": forge.permissions,
        "events": forge.events,
    }


def installation(forge: Forge, given: Installation) -> dict[str, Any]:
    return {
        "id": given.id,
        "client_id": forge.client_id,
        "account": user(forge, given.account),
        "repository_selection": "all" if given.selected is None else "selected",
        "access_tokens_url": f"{forge.api_url}/app/installations/{given.id}/access_tokens",
        "repositories_url": f"{forge.api_url}/installation/repositories",
        "html_url": f"{forge.web_url}/organizations/{given.account.login}/settings/installations/{given.id}",
        "app_id": forge.app_id,
        "app_slug": forge.slug,
        "target_id": given.account.id,
        "target_type": given.account.kind,
        "permissions": given.permissions,
        "events": forge.events,
        "created_at": given.created_at,
        "updated_at": given.suspended_at or given.created_at,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(forge, given.account) if given.suspended_at else None,
        "suspended_at": given.suspended_at,
    }


def installation_event(
    forge: Forge, given: Installation, event: str, action: str, repositories: Iterable[Repository]
) -> dict[str, Any]:
    """Of `installation` (all its repositories are named) and `installation_repositories` (those that came or went are)."""
    brief = [
        {"id": one.id, "node_id": f"R_{one.id}", "name": one.name, "full_name": one.full_name, "private": one.private}
        for one in repositories
    ]
    shown = {"action": action, "installation": installation(forge, given), "requester": None}
    if event == "installation":
        return {**shown, "repositories": brief}
    changed = {"repositories_added": [], "repositories_removed": [], f"repositories_{action}": brief}
    return {**shown, **changed, "repository_selection": "selected"}


def repository(forge: Forge, repo: Repository, viewer: Account | None = None) -> dict[str, Any]:
    api, web = f"{forge.api_url}/repos/{repo.full_name}", f"{forge.web_url}/{repo.full_name}"
    open_issues = sum(issue.state == "open" for issue in repo.issues.values())
    rank = ROLES.index(repo.role(viewer)) if viewer else ROLES.index("read")
    shown = {
        "id": repo.id,
        "node_id": f"R_{repo.id}",
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user(forge, repo.owner),
        "html_url": web,
        "description": None,
        "fork": repo.parent is not None,
        "url": api,
        **{f"{name}_url": f"{api}{path}" for name, path in _REPOSITORY_LINKS.items()},
        "git_url": f"{web.replace('http', 'git', 1)}.git",
        "ssh_url": f"git@{forge.web_url.partition('//')[2]}:{repo.full_name}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        **dict.fromkeys(("forks_count", "stargazers_count", "watchers_count", "size", "forks", "watchers"), 0),
        "open_issues_count": open_issues,
        "open_issues": open_issues,
        "license": None,
        "topics": [],
        **{f"has_{name}": True for name in ("issues", "projects", "downloads", "wiki")},
        "has_pages": False,
        "has_discussions": False,
        "archived": repo.archived,
        "disabled": False,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "created_at": repo.created_at,
        "updated_at": repo.created_at,
        "pushed_at": repo.created_at,
        "permissions": {name: rank >= at for at, name in enumerate(("pull", "triage", "push", "maintain", "admin"), 1)},
    }
    if repo.parent:
        shown["parent"] = shown["source"] = repository(forge, repo.parent)
    return shown


def whole_repository(forge: Forge, repo: Repository, viewer: Account | None) -> dict[str, Any]:
    allowed = dict.fromkeys(
        ("allow_squash_merge", "allow_merge_commit", "allow_rebase_merge", "allow_update_branch"), True
    )
    more = {
        "allow_auto_merge": repo.auto_merge_allowed,
        "delete_branch_on_merge": False,
        "network_count": 0,
        "subscribers_count": 0,
    }
    return {**repository(forge, repo, viewer), **allowed, **more}
