"""Issues, comments, reactions and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from github_app.github.model import Comment, Content, Issue, Label


class Conversation(Subject):
    """What people read and write."""

    def issue(self, number: int) -> Issue:
        """An issue, or the conversation of a pull request."""
        raise NotImplementedError

    def comment(self, comment: int) -> Comment:
        """One comment by its id."""
        raise NotImplementedError

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments there, oldest first; asked page by page, as they are consumed."""
        raise NotImplementedError

    def say(self, number: int, marker: str, body: str, *, known: int | None = None) -> int:
        """Bring our comment with this hidden marker to say `body`; its id. Never a second one, no edit for nothing.

        `marker`: letters, digits, and `_ . : / -`; put in front of the body as an HTML comment. `known`: the id as
        returned before, which saves looking through the comments; anything else that it may be does no harm.
        """
        raise NotImplementedError

    def unsay(self, number: int, marker: str) -> None:
        """Delete our comment with this marker, if there is one."""
        raise NotImplementedError

    def open_issue(self, marker: str, title: str, body: str) -> int:
        """Find our issue with this hidden marker, open or closed, or open it; its number."""
        raise NotImplementedError

    def close_issue(self, number: int, reason: Literal["completed", "not_planned"] = "completed") -> None:
        """Close it; closing a closed one changes nothing."""
        raise NotImplementedError

    def react(self, content: Content, *, issue: int | None = None, comment: int | None = None) -> None:
        """React to one of an issue (or pull request) and a comment. GitHub keeps one of each kind per author."""
        raise NotImplementedError

    def ensure_labels(self, labels: Iterable[Label]) -> None:
        """Create those that the repository does not have; one that it has keeps its colour and words."""
        raise NotImplementedError

    def label(self, number: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Change the labels of an issue or pull request; what is as asked for already is left alone."""
        raise NotImplementedError
