"""Merging a branch into its base, as a real merge commit, in the origin itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, MergeRefused
from worktrees.git import answer, git

if TYPE_CHECKING:
    from worktrees.mirror import Mirror

CONFLICTS = 1
"""Exit status of `git merge-tree` that says so; a larger one is a failure."""


def conflicts(mirror: Mirror, head: str, base: str) -> tuple[str, ...]:
    """Paths that both sides changed in ways git cannot join; found without a work tree."""
    mirror.fetch()
    try:
        _merged_tree(mirror, head, base)
    except MergeRefused as refusal:
        return refusal.conflicts
    return ()


def merge(mirror: Mirror, head: str, base: str, message: str) -> str:
    """Merge branch `head` into branch `base` of the origin; the merge commit. Merging what is merged is nothing.

    If the origin has `base` checked out, the checkout follows when it is clean.

    Raises:
        MergeRefused: conflicts; a branch is gone; or the checkout has uncommitted changes. Nothing has changed then.
    """
    mirror.fetch()
    head_tip, base_tip = mirror.tip(head), mirror.tip(base)
    if head_tip is None or base_tip is None:
        raise MergeRefused(f"the branch {head if head_tip is None else base} does not exist any more")
    if mirror.is_merged(head_tip, base_tip):
        return base_tip
    tree = _merged_tree(mirror, head, base)
    commit = git(mirror.path, "commit-tree", tree, "-p", base_tip, "-p", head_tip, "-m", message)
    try:
        git(
            mirror.path,
            "push",
            "--quiet",
            "--no-verify",
            "--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack",
            f"--force-with-lease=refs/heads/{base}:{base_tip}",
            "origin",
            f"{commit}:refs/heads/{base}",
        )
    except GitFailed as error:
        raise MergeRefused(_explained(str(error), base)) from None
    mirror.fetch()
    return commit


def delete_branch(mirror: Mirror, branch: str, tip: str) -> bool:
    """Delete a branch of the origin if it is still at `tip`; whether it is gone."""
    try:
        git(
            mirror.path,
            "push",
            "--quiet",
            f"--force-with-lease=refs/heads/{branch}:{tip}",
            "origin",
            f":refs/heads/{branch}",
        )
    except GitFailed:
        return False
    return True


def _merged_tree(mirror: Mirror, head: str, base: str) -> str:
    status, output = answer(
        mirror.path,
        *("merge-tree", "--write-tree", "--name-only", "--no-messages"),
        *(f"refs/remotes/origin/{base}", f"refs/remotes/origin/{head}"),
    )
    tree, *paths = output.splitlines() or [""]
    if status == 0:
        return tree
    found = tuple(dict.fromkeys(paths)) if status == CONFLICTS else ()
    listed = ", ".join(ascii(path)[1:-1] for path in found[:10]) or "unrelated histories"
    raise MergeRefused(
        f"{head} conflicts with {base} in {listed}; merge {base} into {head}, resolve, and try again", found
    )


def _explained(words: str, base: str) -> str:
    if (
        "unstaged changes" in words
        or "not up-to-date" in words
        or "staged changes" in words
        or "would be overwritten" in words
    ):
        return f"the checkout of {base} has uncommitted changes; commit or stash them, then merge again"
    if "stale info" in words or "fetch first" in words:
        return f"{base} has moved in the meantime; merge again"
    return f"the repository did not accept the merge: {words}"
