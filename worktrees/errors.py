"""The errors of `worktrees`; the tree is drawn in the package's docstring."""

from __future__ import annotations

from typing import ClassVar, Literal

RefusalKind = Literal["moved", "protected", "workflow-scope", "too-large", "denied", "other"]
"""Why a push was not taken: somebody else pushed; a rule of the repository; the permission to change workflows; a
file's size; no permission to write at all; or anything else, such as a hook."""


class WorktreeError(Exception):
    """Base of everything `worktrees` raises on purpose. `str(error)` says the way out."""

    retryable: ClassVar[bool] = False
    """Whether the same again may well succeed."""


class GitMissing(WorktreeError):  # noqa: N818 - reads as the sentence that is shown
    """There is no git on this machine, or not on the PATH."""


class NotARepository(WorktreeError):  # noqa: N818 - reads as the sentence that is shown
    """The folder is in no git repository, or the repository has no commit yet."""


class UnusableBase(WorktreeError):  # noqa: N818
    """No branch to open a pull request against, or no such commit."""


class UnsafePath(WorktreeError):  # noqa: N818
    """A path that would leave the worktree."""


class GitFailed(WorktreeError):  # noqa: N818
    """A git command failed: which, and its last words."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words
        """All that git said, without credentials."""


class RemoteError(WorktreeError):
    """The remote cannot be talked to."""


class RemoteUnavailable(RemoteError):  # noqa: N818
    """No answer, or a failure on its side."""

    retryable = True


class AccessDenied(RemoteError):  # noqa: N818
    """The remote does not take the token, not a fresh one either, or does not let its owner read."""


class RepositoryGone(RemoteError):  # noqa: N818
    """There is no such repository, or none that the token may see."""


class PushRejected(WorktreeError):  # noqa: N818
    """The branch moved in the meantime, or a hook or rule of the repository refused."""

    def __init__(self, message: str, kind: RefusalKind = "other") -> None:
        super().__init__(message)
        self.kind: RefusalKind = kind


class NotExpressible(WorktreeError):  # noqa: N818
    """Commits that cannot be made by the API: links, executable files, merges. They have to be pushed."""


class MergeRefused(WorktreeError):  # noqa: N818
    """Conflicts, or uncommitted changes in the checkout of the base branch."""

    def __init__(self, message: str, conflicts: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.conflicts = conflicts
