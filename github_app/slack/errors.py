"""The errors of `github_app.slack`; the tree is drawn in the package's docstring. No message holds a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.errors import GithubAppError

if TYPE_CHECKING:
    from datetime import datetime


class SlackError(GithubAppError):
    """Base of everything that goes wrong with Slack. `str(error)` is one line for people."""


class SlackUnavailable(SlackError):  # noqa: N818 - reads as the sentence that is shown
    """No answer in time, or a failure on Slack's side. What was asked for may have happened all the same."""


class SlackBusy(SlackError):  # noqa: N818
    """Slack asks for patience: not before `until`. Nothing has happened."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class SlackRefused(SlackError):  # noqa: N818
    """Slack does not allow it, or there is no such thing."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
