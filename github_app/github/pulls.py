"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.github.model import ChangedFile, MergeMethod, Pull, Review


class Pulls(Subject):
    """Pull requests of the repository."""

    def pull(self, number: int) -> Pull:
        """One of them."""
        raise NotImplementedError

    def open_pulls(self, head: str | None = None) -> tuple[Pull, ...]:
        """Those that are open, newest first. `head`: from that branch of this repository only."""
        raise NotImplementedError

    def open_pull(self, *, head: str, base: str, title: str, body: str, draft: bool) -> tuple[Pull, bool]:
        """Find the open pull request of a branch, or open one; and whether it was opened just now.

        It may come back as no draft although one was asked for: not every plan has drafts for private repositories.
        """
        raise NotImplementedError

    def update_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
        """Change title or body, where they differ."""
        raise NotImplementedError

    def close_pull(self, number: int) -> Pull:
        """Close without merging; closing a closed or merged one changes nothing."""
        raise NotImplementedError

    def ready(self, number: int) -> Pull:
        """A draft may be reviewed now; nothing if it is none."""
        raise NotImplementedError

    def to_draft(self, number: int) -> Pull:
        """Back to a draft; nothing if it is one, or if the repository has no drafts."""
        raise NotImplementedError

    def pull_files(self, number: int) -> tuple[ChangedFile, ...]:
        """What it changes; GitHub lists at most 3,000 files."""
        raise NotImplementedError

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Submitted reviews, oldest first."""
        raise NotImplementedError

    def request_reviewers(self, number: int, reviewers: Iterable[str]) -> tuple[str, ...]:
        """Ask people (`alice`) and teams (`owner/team`) for a review; who was asked newly.

        Left out: the author, who was asked already, who has reviewed, and whom GitHub does not accept.
        """
        raise NotImplementedError

    def merge(self, number: int, *, sha: str, method: MergeMethod = "merge") -> str:
        """Merge now if its head is still `sha`; the commit on the base branch. One that is merged already is fine.

        Raises:
            Outdated: its head is another one.
            Refused: it cannot be merged: conflicts, missing reviews or checks.
        """
        raise NotImplementedError

    def auto_merge(self, number: int, method: MergeMethod = "merge") -> None:
        """Let GitHub merge it as soon as its rules allow; merges at once where nothing is missing.

        Raises:
            Refused: the repository does not allow auto-merge.
        """
        raise NotImplementedError
