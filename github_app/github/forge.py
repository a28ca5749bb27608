"""What a run sees of a repository on GitHub: `runner.protocols.Forge`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from github_app.github.codeowners import LARGEST_BYTES, PLACES, owners_of, parse_codeowners
from github_app.github.errors import Busy, DraftsUnsupported, GithubError, Outdated, Unavailable
from github_app.github.model import FileAddition
from runner.errors import ForgeBusy, ForgeRefused, ForgeUnavailable
from runner.model import PullRequest, repository_key
from worktrees.errors import NotExpressible, PushRejected
from worktrees.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from github_app.github.model import Pull
    from github_app.github.repository import RepositoryApi
    from worktrees.ahead import NewCommit
    from worktrees.worktree import Worktree

APPS = "apps/modal/"
SHARED = "apps/modal/shared/"


class GithubForge:
    """The pull requests of one repository on GitHub."""

    def __init__(
        self, repository: RepositoryApi, *, verified_commits: bool = False, reviewers: Iterable[str] = ()
    ) -> None:
        """`verified_commits`: GitHub makes the commits, and signs them. `reviewers`: besides those of CODEOWNERS."""
        self._repository = repository
        self._verified = verified_commits
        self._reviewers = tuple(reviewers)
        self._published: dict[str, str] = {}

    def remote(self) -> Remote:
        """The repository for git, under the name that it has now.

        Raises:
            runner.errors.ForgeUnavailable, ForgeBusy, ForgeRefused: as all of this; its token raises them, too.
        """
        with told_to_runs():
            about = self._repository.about()
        return Remote(
            address=about.clone_url,
            key=repository_key(about.reference),
            label=about.reference.full_name,
            token=self._token,
        )

    def _token(self, refused: str | None) -> str:
        with told_to_runs():
            return self._repository.token(refused)

    def publish(self, worktree: Worktree) -> str:
        """Bring the worktree's commits to its branch; the head there.

        Raises:
            worktrees.errors.PushRejected: somebody else pushed meanwhile, or the repository refuses.
        """
        head = self._published[worktree.branch] = self._publish(worktree)
        return head

    def _publish(self, worktree: Worktree) -> str:
        if not self._verified:
            return worktree.push()
        try:
            commits = worktree.commits_ahead()
        except NotExpressible:  # a merge, or a file that is more than its content: only git can bring that
            return worktree.push()
        with told_to_runs():
            try:
                return self._commit(worktree, commits)
            except Outdated as error:
                raise PushRejected(f"{worktree.branch} has moved on meanwhile: {error}", kind="moved") from None

    def _commit(self, worktree: Worktree, commits: tuple[NewCommit, ...]) -> str:
        """After a crash in the middle, `commits_ahead` leaves out those that were made."""
        head = self._repository.tip(worktree.branch) or ""
        for commit in commits:
            if commit.parent is not None:
                self._repository.advance_branch(worktree.branch, commit.parent)
                head = commit.parent
            head = self._repository.create_commit_on_branch(
                worktree.branch,
                expected_head=head,
                message=f"{commit.headline}\n\n{commit.body}".rstrip(),
                additions=(FileAddition(path=path, data=data) for path, data in commit.additions.items()),
                deletions=commit.deletions,
            )
        if not head:
            return worktree.push()
        worktree.adopt(head)
        return head

    def draft(self, *, head: str, base: str, title: str, body: str) -> PullRequest | None:
        """Open a draft for `head` if no pull request is open; `None` where the repository has no drafts."""
        with told_to_runs():
            try:
                pull, _ = self._repository.open_pull(head=head, base=base, title=title, body=body, draft=True)
            except DraftsUnsupported:
                return None
            return _shown(pull)

    def propose(self, *, head: str, base: str, title: str, body: str, ready: bool) -> PullRequest:
        """Open the pull request for `head`, or bring the open one up to date; ask for reviews when it becomes ready."""
        with told_to_runs():
            there, new = self._opened(head=head, base=base, title=title, body=body, draft=not ready)
            pull = self._repository.update_pull(there.number, title=title, body=body)
            if not ready:
                return _shown(self._repository.to_draft(pull))
            pull = self._repository.ready(pull)
            # Where nobody is asked yet, a crash may have come between. Whom GitHub has refused is not asked each time.
            if new or there.draft or not pull.reviewers:
                self._repository.request_reviewers(pull.number, self._owners(pull))
            return _shown(pull)

    def _opened(self, *, head: str, base: str, title: str, body: str, draft: bool) -> tuple[Pull, bool]:
        try:
            return self._repository.open_pull(head=head, base=base, title=title, body=body, draft=draft)
        except DraftsUnsupported:
            return self._repository.open_pull(head=head, base=base, title=title, body=body, draft=False)

    def _owners(self, pull: Pull) -> tuple[str, ...]:
        """Whom to ask: who owns the app's files, and the reviewers that the repository's settings name."""
        files = [file.path for file in self._repository.pull_files(pull.number)]
        app = [path for path in files if path.startswith(APPS) and not path.startswith(SHARED)]
        texts = (self._repository.file(place, pull.base.branch) for place in PLACES)
        text = next((text for text in texts if text is not None), b"")
        rules = parse_codeowners(text.decode("utf-8", "replace")) if len(text) <= LARGEST_BYTES else ()
        owners = (owner for path in app or files for owner in owners_of(path, rules))
        return tuple(dict.fromkeys((*owners, *self._reviewers)))

    def picture_url(self, *, head: str, path: str) -> str:
        """Address of a file that people with access see as a picture in Markdown.

        At the commit that the branch is on, so that the picture stays when the branch is deleted.
        """
        return f"{self.files_url(head=head)}/{quote(path)}?raw=true"

    def files_url(self, *, head: str) -> str:
        """What people read a branch's files below, at the commit that this object has published, or that it is on."""
        with told_to_runs():
            at = self._published.get(head) or self._repository.tip(head) or head
            return f"{self._repository.about().url}/blob/{quote(at)}"


def _shown(pull: Pull) -> PullRequest:
    return PullRequest(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        head=pull.head.branch,
        base=pull.base.branch,
        url=pull.url,
        state=pull.state,
        draft=pull.draft,
    )


@contextmanager
def told_to_runs() -> Generator[None]:
    """Errors as runs know them."""
    try:
        yield
    except Busy as error:
        raise ForgeBusy(str(error), until=error.until) from None
    except Unavailable as error:
        raise ForgeUnavailable(str(error)) from None
    except GithubError as error:
        raise ForgeRefused(str(error)) from None
