"""The errors of `worktrees`; the tree is drawn in the package's docstring."""

from __future__ import annotations


class WorktreeError(Exception):
    """Base of everything `worktrees` raises on purpose. `str(error)` says the way out."""


class GitMissing(WorktreeError):  # noqa: N818 - reads as the sentence that is shown
    """There is no git on this machine, or not on the PATH."""


class NotARepository(WorktreeError):  # noqa: N818 - reads as the sentence that is shown
    """The folder is in no git repository, or the repository has no commit yet."""


class UnusableBase(WorktreeError):  # noqa: N818
    """No branch to open a pull request against."""


class UnsafePath(WorktreeError):  # noqa: N818
    """A path that would leave the worktree."""


class GitFailed(WorktreeError):  # noqa: N818
    """A git command failed: which, and its last words."""


class PushRejected(WorktreeError):  # noqa: N818
    """The branch moved in the meantime, or a hook or rule of the repository refused."""


class MergeRefused(WorktreeError):  # noqa: N818
    """Conflicts, or uncommitted changes in the checkout of the base branch."""

    def __init__(self, message: str, conflicts: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.conflicts = conflicts
