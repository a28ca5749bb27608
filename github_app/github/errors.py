"""The errors of `github_app.github`; the tree is drawn in the package's docstring. No message holds a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from github_app.errors import GithubAppError

if TYPE_CHECKING:
    from datetime import datetime


class GithubError(GithubAppError):
    """Base of everything that goes wrong with GitHub. `str(error)` is one line for people."""

    retryable: ClassVar[bool] = False


class Unavailable(GithubError):  # noqa: N818 - reads as the sentence that is shown
    """No answer in time, or a failure on GitHub's side. What was asked for may have happened all the same."""

    retryable = True


class Busy(GithubError):  # noqa: N818
    """GitHub asks for patience, or our own pace does: not before `until`. Nothing has happened."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until

    def __reduce__(self) -> tuple[object, ...]:
        return (_busy, (str(self), self.until))


def _busy(message: str, until: datetime) -> Busy:
    return Busy(message, until=until)


class Refused(GithubError):  # noqa: N818
    """GitHub does not allow it: a permission is missing, a rule forbids it, or the values make no sense to it."""


class BadCredentials(Refused):
    """The App's id or private key is not accepted, or this machine's clock is wrong."""


class NotInstalled(Refused):
    """There is no such installation of the App (any more)."""


class Suspended(Refused):
    """The installation exists, but its owner has suspended it."""


class NotFound(Refused):
    """There is nothing, or nothing that the installation may see: GitHub does not tell these apart."""


class Outdated(Refused):
    """What was to be changed has moved on since it was read."""


class DraftsUnsupported(Refused):
    """The repository has no draft pull requests: not every plan has them for private repositories."""
