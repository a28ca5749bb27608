"""What follows from a ref that has moved, whoever moved it and however: events, heads of pull requests, auto-merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.forge import merging, views_git, views_talk
from tests.forge.git import ZERO, GitError
from tests.forge.routes import GitHubError

if TYPE_CHECKING:
    from tests.forge.access import Actor
    from tests.forge.forge import Forge
    from tests.forge.git import Commit
    from tests.forge.world import Repository

MOST_COMMITS_TOLD = 2048


class Update(NamedTuple):
    ref: str
    old: str  # ZERO: it is new
    new: str  # ZERO: it is gone


def moved(forge: Forge, repository: Repository, actor: Actor, updates: list[Update]) -> None:
    """Tell the world. The refs have moved already; the forge's lock is held."""
    for update in updates:
        kind, _, name = update.ref.removeprefix("refs/").partition("/")
        if update.old == ZERO:
            payload = {
                "ref": name,
                "ref_type": _ref_type(kind),
                "master_branch": repository.default_branch,
                "description": None,
            }
            forge.emit(repository, "create", None, actor, **payload, pusher_type="user")
        if update.new == ZERO:
            forge.emit(repository, "delete", None, actor, ref=name, ref_type=_ref_type(kind), pusher_type="user")
        forge.emit(repository, "push", None, actor, **_push(forge, repository, actor, update))
        if kind == "heads" and update.new != ZERO:
            suite = views_git.check_suite(forge, repository, forge.check_suite(repository, update.new))
            forge.emit(repository, "check_suite", "requested", actor, check_suite=suite)
        if kind == "heads":
            _move_pulls(forge, repository, actor, name, update)


def put(repository: Repository, update: Update) -> None:
    """Move a ref from where it was; 409 where somebody else was faster."""
    try:
        repository.git.move(update.ref, None if update.new == ZERO else update.new, update.old)
    except GitError as error:
        raise GitHubError(409, f"{update.ref} is not at {update.old} any more") from error


def move(forge: Forge, repository: Repository, actor: Actor, update: Update) -> None:
    put(repository, update)
    moved(forge, repository, actor, [update])


def _ref_type(kind: str) -> str:
    return "branch" if kind == "heads" else "tag"


def _move_pulls(forge: Forge, repository: Repository, actor: Actor, branch: str, update: Update) -> None:
    for base in forge.repositories.values():
        for pull in base.open_pulls:
            if base is repository and pull.base_ref == branch and update.new != ZERO:
                if repository.git.is_ancestor(pull.head_sha, update.new):
                    merging.mark_merged(forge, base, pull, actor, update.new)
                else:
                    pull.base_sha = update.new
            elif pull.head_repository is repository and pull.head_ref == branch:
                if update.new == ZERO:
                    merging.close(forge, base, pull, actor)
                    continue
                pull.head_sha, pull.issue.updated_at = update.new, forge.now()
                keep_head(base, repository, pull.number, update.new)
                shown = views_talk.pull(forge, base, pull)
                forge.emit(
                    base,
                    "pull_request",
                    "synchronize",
                    actor,
                    number=pull.number,
                    pull_request=shown,
                    before=update.old,
                    after=update.new,
                )
        merging.try_auto_merges(forge, base)


def keep_head(base: Repository, head: Repository, number: int, sha: str) -> None:
    """`refs/pull/N/head`, as GitHub keeps it; brings the commits over from a fork."""
    if head is not base:
        base.git.run("fetch", "--quiet", str(head.git.folder), sha)
    base.git.move(f"refs/pull/{number}/head", sha)


def _push(forge: Forge, repository: Repository, actor: Actor, update: Update) -> dict[str, Any]:
    created, deleted = update.old == ZERO, update.new == ZERO
    known = [f"^{update.old}"] if not created else [f"^refs/heads/{repository.default_branch}"]
    if deleted or (update.ref == f"refs/heads/{repository.default_branch}" and created):
        commits: list[Commit] = []
    else:
        try:
            commits = repository.git.log(update.new, *known)[:MOST_COMMITS_TOLD]
        except GitError:
            commits = []
    shown = [views_git.pushed_commit(forge, repository, commit) for commit in reversed(commits)]
    head = None if deleted else views_git.pushed_commit(forge, repository, repository.git.log("-1", update.new)[0])
    return {
        "ref": update.ref,
        "before": update.old,
        "after": update.new,
        "created": created,
        "deleted": deleted,
        "forced": not created and not deleted and not repository.git.is_ancestor(update.old, update.new),
        "base_ref": None,
        "compare": f"{forge.web_url}/{repository.full_name}/compare/{update.old[:12]}...{update.new[:12]}",
        "commits": shown,
        "head_commit": head,
        "pusher": {"name": actor.user.login, "email": actor.user.email},
    }
