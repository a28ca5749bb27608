"""The errors of `github_app`.

GithubAppError
├── PullRequestNotFound        no pull request has that number
├── ForgeRefused               it is in a state that does not allow this
├── InvalidSettings            a setting of ours cannot be used (github_app.settings)
├── InvalidRepositorySettings  .github/flowberth.yml cannot be used, with every problem (github_app.repository_settings)
├── MalformedPayload           a webhook is not what GitHub documents (github_app.events.parse)
├── WorkerBroken               a part of a worker has stopped working (github_app.worker)
├── CannotDo                   what a person asked for makes no sense there (github_app.handlers.errors)
└── GithubError                GitHub was asked, in vain: a tree of its own (github_app.github)
"""

from __future__ import annotations


class GithubAppError(Exception):
    """Base of everything `github_app` raises on purpose; the command line adds `CommandError` for wrong calls."""


class PullRequestNotFound(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """No pull request of the repository has that number."""


class ForgeRefused(GithubAppError):  # noqa: N818
    """The pull request is in a state that does not allow what was asked."""
