"""What a run sees of a repository on GitHub: `runner.protocols.Forge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.github.repository import RepositoryApi
    from runner.model import PullRequest
    from worktrees.worktree import Worktree


class GithubForge:
    """The pull requests of one repository on GitHub."""

    def __init__(
        self, repository: RepositoryApi, *, verified_commits: bool = False, reviewers: Iterable[str] = ()
    ) -> None:
        """`verified_commits`: GitHub makes the commits, and signs them. `reviewers`: besides those of CODEOWNERS."""

    def publish(self, worktree: Worktree) -> str:
        """Bring the worktree's commits to its branch; the head there."""
        raise NotImplementedError

    def draft(self, *, head: str, base: str, title: str, body: str) -> PullRequest | None:
        """Open a draft for `head` if no pull request is open; `None` where the repository has no drafts."""
        raise NotImplementedError

    def propose(self, *, head: str, base: str, title: str, body: str, ready: bool) -> PullRequest:
        """Open the pull request for `head`, or bring the open one up to date; ask for reviews when it becomes ready."""
        raise NotImplementedError

    def picture_url(self, *, head: str, path: str) -> str:
        """Address of a file that people with access see as a picture in Markdown."""
        raise NotImplementedError
