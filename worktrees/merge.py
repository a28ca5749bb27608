"""Merging: a branch into its base in the origin itself, and a base into a run's branch; found out before it hurts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, MergeRefused, NotARepository, PushRejected, RemoteError, UnusableBase
from worktrees.git import answer, git

if TYPE_CHECKING:
    from worktrees.mirror import Mirror

CONFLICTS = 1
"""Exit status of `git merge-tree` that says so; a larger one is a failure."""
FOLLOWED_BY_CHECKOUT = "--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack"
"""For an origin that has the branch checked out."""

_UNCOMMITTED = (
    "unstaged changes",
    "staged changes",
    "not up-to-date",
    "would be overwritten",
    "Could not update working tree",
)
"""Words of a repository whose checkout would have to follow."""


@dataclass(frozen=True)
class Merged:
    """A merge commit that has been made."""

    commit: str


@dataclass(frozen=True)
class Conflicts:
    """Paths that both sides changed in ways git cannot join; none at all: the histories have nothing in common."""

    paths: tuple[str, ...]


def conflicts(mirror: Mirror, head: str, base: str) -> tuple[str, ...]:
    """Paths that both branches changed in ways git cannot join; found without a work tree.

    Raises:
        UnusableBase: a branch is gone.
        MergeRefused: they have no history in common.
        RemoteError, NotARepository: as the tree in `worktrees` says.
    """
    mirror.fetch(head, base)
    found = _joined(mirror, *(_tip(mirror, branch) for branch in (base, head)))
    if isinstance(found, str):
        return ()
    if not found.paths:
        raise MergeRefused(f"{head} and {base} have unrelated histories")
    return found.paths


def merged_with_base(mirror: Mirror, head: str, branch: str, base: str) -> Merged | Conflicts | None:
    """A merge commit of `head`, a commit of a run on `branch`, with its base; `None` if it has all of that.

    Nothing refers to the commit yet.

    Raises:
        UnusableBase: the base is gone.
        RemoteError, NotARepository: as the tree in `worktrees` says.
    """
    mirror.fetch(branch, base)
    tip = _tip(mirror, base)
    common = mirror.common(head, tip, deepen=tuple(filter(None, (tip, mirror.tip(branch)))))
    if common == tip:
        return None
    joined = _joined(mirror, head, tip) if common else Conflicts(())
    if isinstance(joined, Conflicts):
        return joined
    message = f"Merge {base} into {branch}"
    return Merged(git(mirror.path, "commit-tree", joined, "-p", head, "-p", tip, "-m", message))


def merge(mirror: Mirror, head: str, base: str, message: str) -> str:
    """Merge branch `head` into branch `base` of the origin; the merge commit. Merging what is merged is nothing.

    If the origin has `base` checked out, the checkout follows when it is clean.

    Raises:
        MergeRefused: conflicts; a branch is gone; or the checkout has uncommitted changes. Nothing has changed then.
    """
    mirror.fetch(head, base)
    head_tip, base_tip = mirror.tip(head), mirror.tip(base)
    if head_tip is None or base_tip is None:
        raise MergeRefused(f"the branch {head if head_tip is None else base} does not exist any more")
    if mirror.is_merged(head_tip, base_tip):
        return base_tip
    tree = _joined(mirror, base_tip, head_tip)
    if isinstance(tree, Conflicts):
        listed = ", ".join(ascii(path)[1:-1] for path in tree.paths[:10]) or "unrelated histories"
        raise MergeRefused(
            f"{head} conflicts with {base} in {listed}; merge {base} into {head}, resolve, and try again", tree.paths
        )
    commit = git(mirror.path, "commit-tree", tree, "-p", base_tip, "-p", head_tip, "-m", message)
    try:
        mirror.origin.push(base, commit, seen=base_tip, options=(FOLLOWED_BY_CHECKOUT,))
    except PushRejected as error:
        raise MergeRefused(_explained(error, base)) from None
    mirror.note(base, commit)
    return commit


def delete_branch(mirror: Mirror, branch: str, tip: str) -> bool:
    """Delete a branch of the origin if it is still at `tip`; whether it is gone."""
    try:
        mirror.origin.push(branch, "", seen=tip)
    except (PushRejected, RemoteError, NotARepository):
        return False
    return True


def _tip(mirror: Mirror, branch: str) -> str:
    tip = mirror.tip(branch)
    if tip is None:
        raise UnusableBase(f"the branch {branch} does not exist any more")
    return tip


def _joined(mirror: Mirror, into: str, other: str) -> str | Conflicts:
    """The tree of two commits merged."""
    if mirror.common(into, other, deepen=(into, other)) is None:
        return Conflicts(())
    status, output = answer(
        mirror.path, "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", into, other
    )
    if status not in {0, CONFLICTS}:
        raise GitFailed(f"{into[:12]} and {other[:12]} cannot be merged: git ended with status {status}")
    tree, *paths = filter(None, output.split("\0"))
    return tree if status == 0 else Conflicts(tuple(dict.fromkeys(paths)))


def _explained(refused: PushRejected, base: str) -> str:
    words = str(refused)
    if any(sign in words for sign in _UNCOMMITTED):
        return f"the checkout of {base} has uncommitted changes; commit or stash them, then merge again"
    if refused.kind == "moved":
        return f"{base} has moved in the meantime; merge again"
    return f"the repository did not accept the merge: {words}"
