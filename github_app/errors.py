"""The errors of `github_app`.

GithubAppError
├── PullRequestNotFound        no pull request has that number
└── ForgeRefused             it is in a state that does not allow this
"""

from __future__ import annotations


class GithubAppError(Exception):
    """Base of everything `github_app` raises on purpose; the command line adds `CommandError` for wrong calls."""


class PullRequestNotFound(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """No pull request of the repository has that number."""


class ForgeRefused(GithubAppError):  # noqa: N818
    """The pull request is in a state that does not allow what was asked."""
