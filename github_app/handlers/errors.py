"""What handlers tell people that they cannot do.

CannotDo             what was asked for makes no sense here; `str` says why, and what would do
├── NotOurs          the pull request is none that Flowberth deploys
└── Explained        the same, with a page of its own
    └── Unusable     a file is no workflow that can be deployed
"""

from __future__ import annotations

from github_app.errors import GithubAppError
from github_app.telling.pages import plainly


class CannotDo(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """What was asked for makes no sense here. The message is plain words, which whoever shows them escapes."""


class NotOurs(CannotDo):
    """The pull request is none that Flowberth deploys."""


class Explained(CannotDo):
    """There is more to say than a sentence."""

    def __init__(self, page: str) -> None:
        super().__init__(page)
        self.page = page
        """Markdown."""


class Unusable(Explained):
    """A file is no workflow that can be deployed."""

    def __init__(self, filename: str, words: str) -> None:
        super().__init__(plainly.unusable(filename, words))
        self.filename = filename
        self.words = words
        """Why, as the second half of a sentence."""
