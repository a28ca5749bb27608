"""Merging pull requests: by hand, by auto-merge, and by a push that brought the commits already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.forge import moves, rules, views_talk
from tests.forge.git import GITHUB, GitError
from tests.forge.routes import GitHubError

if TYPE_CHECKING:
    from tests.forge.access import Actor
    from tests.forge.forge import Forge
    from tests.forge.world import Issue, Pull, Repository

_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)", re.IGNORECASE)


def merge(
    forge: Forge,
    repository: Repository,
    pull: Pull,
    actor: Actor,
    *,
    method: str,
    title: str | None,
    message: str | None,
    sha: str | None,
) -> str:
    """Merge; the new commit's hash. Raises 405 or 409 in GitHub's words."""
    if pull.merged or not pull.open:
        raise GitHubError(405, "Pull Request is not mergeable")
    if pull.draft:
        raise GitHubError(405, "Pull Request is still a draft")
    if sha and sha != pull.head_sha:
        raise GitHubError(409, "Head branch was modified. Review and try the merge again.")
    if not repository.git.compare(pull.base_sha, pull.head_sha).mergeable:
        raise GitHubError(405, "Pull Request has merge conflicts")
    if missing := rules.against_merge(repository, pull, actor):
        raise GitHubError(405, " ".join(missing))
    commit = _commit(repository, pull, actor, method=method, title=title, message=message)
    update = moves.Update(f"refs/heads/{pull.base_ref}", pull.base_sha, commit)
    try:
        moves.put(repository, update)
    except GitHubError as error:
        raise GitHubError(405, "Base branch was modified. Review and try the merge again.") from error
    if method != "rebase":
        repository.verified.add(commit)
    mark_merged(forge, repository, pull, actor, commit)
    moves.moved(forge, repository, actor, [update])
    return commit


def _commit(
    repository: Repository, pull: Pull, actor: Actor, *, method: str, title: str | None, message: str | None
) -> str:
    git, author = repository.git, (actor.user.login, actor.user.email)
    if method == "rebase":
        try:
            return git.rebase(pull.head_sha, pull.base_sha)
        except GitError as error:
            raise GitHubError(405, "This branch can't be rebased") from error
    tree = git.merge_tree(pull.base_sha, pull.head_sha)
    assert tree is not None
    if method == "squash":
        commits = git.log(f"{pull.base_sha}..{pull.head_sha}")
        title = title or f"{pull.issue.title} (#{pull.number})"
        message = message if message is not None else "\n\n".join(f"* {commit.message}" for commit in reversed(commits))
        return git.write_commit(tree, [pull.base_sha], f"{title}\n\n{message}".rstrip() + "\n", author, GITHUB)
    title = title or f"Merge pull request #{pull.number} from {pull.head_repository.owner.login}/{pull.head_ref}"
    message = message if message is not None else pull.issue.title
    return git.write_commit(
        tree, [pull.base_sha, pull.head_sha], f"{title}\n\n{message}".rstrip() + "\n", author, GITHUB
    )


def mark_merged(forge: Forge, repository: Repository, pull: Pull, actor: Actor, commit: str) -> None:
    pull.merged_at, pull.merged_by, pull.merge_commit_sha, pull.auto_merge = forge.now(), actor.user, commit, None
    close(forge, repository, pull, actor)
    if pull.base_ref == repository.default_branch:
        for number in dict.fromkeys(_CLOSES.findall(pull.issue.body)):
            issue = repository.issues.get(int(number))
            if issue and issue.pull is None:
                close_issue(forge, repository, issue, actor)


def close(forge: Forge, repository: Repository, pull: Pull, actor: Actor) -> None:
    _mark_closed(forge, pull.issue, actor, None)
    pull.auto_merge = None
    forge.emit(
        repository,
        "pull_request",
        "closed",
        actor,
        number=pull.number,
        pull_request=views_talk.pull(forge, repository, pull),
    )


def close_issue(forge: Forge, repository: Repository, issue: Issue, actor: Actor, reason: str = "completed") -> None:
    if issue.state == "open":
        _mark_closed(forge, issue, actor, reason)
        forge.emit(repository, "issues", "closed", actor, issue=views_talk.issue(forge, repository, issue))


def _mark_closed(forge: Forge, issue: Issue, actor: Actor, reason: str | None) -> None:
    issue.state, issue.state_reason, issue.closed_by = "closed", reason, actor.user
    issue.closed_at = issue.updated_at = forge.now()


def try_auto_merges(forge: Forge, repository: Repository) -> None:
    """Merge what was waiting for its requirements."""
    for pull in repository.open_pulls:
        waiting = pull.auto_merge
        if waiting and not pull.draft and not rules.against_merge(repository, pull, None):
            try:
                merge(
                    forge,
                    repository,
                    pull,
                    waiting.actor,
                    method=waiting.method,
                    title=waiting.title,
                    message=waiting.message,
                    sha=None,
                )
            except GitHubError:
                continue
