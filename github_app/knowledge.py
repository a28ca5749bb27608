"""The knowledge bases of repositories on GitHub: what is on the default branch counts, and the index follows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from github_app.errors import GithubAppError
from github_app.github.errors import Busy, GithubError, Unavailable
from runner.errors import ForgeBusy, ForgeRefused, ForgeUnavailable
from runner.model import repository_key
from worktrees.errors import WorktreeError
from worktrees.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from github_app.github.repository import RepositoryApi
    from runner.knowledge.finder import KnowledgeFinder
    from runner.knowledge.search import Found
    from runner.model import GithubRepository
    from worktrees.mirror import Mirror

EMBEDDED_BEFORE_A_SEARCH: Final = 200
"""Entries: somebody waits for the answer."""
EMBEDDED_AFTER_A_MERGE: Final = 2_000
"""A minute or two of a thread that handles deliveries. What is left, the next merges and searches do."""

log = logging.getLogger(__name__)


class UnreadableKnowledge(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """The repository's files cannot be had, and trying again would change nothing."""


class Knowledge:
    """One per process; safe to use from several threads."""

    def __init__(self, finder: KnowledgeFinder, mirror: Callable[[GithubRepository], Mirror]) -> None:
        self._finder = finder
        self._mirror = mirror

    def follow(self, repository: RepositoryApi, *, most_embedded: int) -> str:
        """Bring the index up to date; the commit that it is of now.

        Args:
            repository: whose default branch it follows.
            most_embedded: entries whose meaning is worked out now, at most.

        Raises:
            UnreadableKnowledge: there is nothing to follow.
            GithubError: its type says whether to try again.
        """
        about = repository.about()
        key = repository_key(about.reference)
        tip = repository.tip(about.default_branch)
        if tip is None:
            raise UnreadableKnowledge(f"{about.default_branch} has no commit yet")
        try:
            mirror = self._mirror(about.reference)
            if self._finder.index.commit(key) != tip:
                mirror.fetch(about.default_branch)
                tip = mirror.tip(about.default_branch) or tip  # it may have moved on meanwhile
            self._finder.index.refresh(key, Snapshot(mirror.path, tip), most_embedded=most_embedded)
        except ForgeBusy as error:
            raise Busy(str(error), until=error.until) from None
        except ForgeUnavailable as error:
            raise Unavailable(str(error)) from None
        except (ForgeRefused, WorktreeError) as error:
            if isinstance(error, WorktreeError) and error.retryable:
                raise Unavailable(str(error)) from None
            raise UnreadableKnowledge(str(error)) from None
        return tip

    def follow_if_possible(self, repository: RepositoryApi) -> None:
        """The same for whoever has something better to do: the next search makes up for what could not be done."""
        try:
            self.follow(repository, most_embedded=EMBEDDED_AFTER_A_MERGE)
        except (GithubError, UnreadableKnowledge) as error:
            log.warning("the index of a knowledge base stays as it is: %s", error)

    def search(self, repository: RepositoryApi, text: str, limit: int) -> tuple[Found, str]:
        """What the knowledge base has, and where its files are read: an address that paths are put behind.

        Raises:
            UnreadableKnowledge, GithubError: as of `follow`.
        """
        commit = self.follow(repository, most_embedded=EMBEDDED_BEFORE_A_SEARCH)
        about = repository.about()
        return self._finder.search(repository_key(about.reference), text, limit), f"{about.url}/blob/{commit}"
