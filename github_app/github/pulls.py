"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from github_app.github.connection import nothing
from github_app.github.errors import DraftsUnsupported, Outdated, Refused
from github_app.github.graphql import Mutation
from github_app.github.markers import same_text
from github_app.github.reading import file_of, pull_of, review_of
from github_app.github.subject import Subject
from github_app.github.text import LONGEST_TITLE, cut_body, cut_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.github.model import ChangedFile, MergeMethod, Pull, Review

MAX_REVIEWERS = 15
"""Of people, and of teams, says GitHub."""


_NOTHING_TO_WAIT_FOR = ("clean status", "unstable status")
"""GitHub's words where no rule holds a merge back; `unstable`: checks that no rule requires go on, or failed."""


class Pulls(Subject):
    """Pull requests of the repository."""

    def pull(self, number: int) -> Pull:
        """One of them."""
        return self._read(pull_of, self._rest.pulls.get, number)

    def open_pulls(self, head: str | None = None) -> tuple[Pull, ...]:
        """Those that are open, newest first. `head`: from that branch of this repository only."""
        if head is None:
            return tuple(self._pages(pull_of, self._rest.pulls.list, state="open"))
        owner, _ = self._address()
        listed = self._pages(pull_of, self._rest.pulls.list, state="open", head=f"{owner}:{head}")
        # A fork's branch of the same name, or a server that ignores the filter, must not be taken for ours.
        return tuple(pull for pull in listed if pull.head.branch == head and not pull.from_fork)

    def open_pull(self, *, head: str, base: str, title: str, body: str, draft: bool) -> tuple[Pull, bool]:
        """Find the open pull request of a branch, or open one; and whether it was opened just now.

        Raises:
            DraftsUnsupported: one can be opened, but no draft: not every plan has them for private repositories.
        """

        def find() -> Pull | None:
            return next(iter(self.open_pulls(head)), None)

        def create() -> Pull:
            try:
                return self._create(
                    pull_of,
                    self._rest.pulls.create,
                    data={
                        "title": cut_line(title, LONGEST_TITLE),
                        "head": head,
                        "base": base,
                        "body": cut_body(body),
                        "draft": draft,
                    },
                )
            except Refused as error:
                if draft and "draft" in str(error).lower():
                    raise DraftsUnsupported(str(error)) from None
                there = find()  # a person may have opened it meanwhile
                if there is None:
                    raise
                return there

        return self._find_or_create(f"pull {head}", find, create)

    def update_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
        """Change title or body, where they differ. The base branch stays: a person may have chosen another one."""
        there = self.pull(number)
        change: dict[str, str] = {}
        if title is not None and there.title != (line := cut_line(title, LONGEST_TITLE)):
            change["title"] = line
        if body is not None and not same_text(there.body, text := cut_body(body)):
            change["body"] = text
        if change:
            self._connection.mutate(Mutation("updatePullRequest", {"pullRequestId": there.node_id, **change}))
        return there.model_copy(update=change)

    def close_pull(self, number: int) -> Pull:
        """Close without merging; closing a closed or merged one changes nothing."""
        there = self.pull(number)
        if there.state != "open":
            return there
        return self._change(pull_of, self._rest.pulls.update, number, data={"state": "closed"})

    def ready(self, there: Pull) -> Pull:
        """A draft may be reviewed now; nothing if it is none."""
        return self._set_draft(there, draft=False)

    def to_draft(self, there: Pull) -> Pull:
        """Back to a draft; nothing if it is one, or if the repository has no drafts."""
        return self._set_draft(there, draft=True)

    def _set_draft(self, there: Pull, *, draft: bool) -> Pull:
        if there.draft == draft or there.state != "open":
            return there
        try:
            name = "convertPullRequestToDraft" if draft else "markPullRequestReadyForReview"
            self._connection.mutate(Mutation(name, {"pullRequestId": there.node_id}))
        except Refused as error:
            if draft and "draft" in str(error).lower():
                return there
            raise
        return there.model_copy(update={"draft": draft})

    def pull_files(self, number: int) -> tuple[ChangedFile, ...]:
        """What it changes; GitHub lists at most 3,000 files."""
        return tuple(self._pages(file_of, self._rest.pulls.list_files, number))

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Submitted reviews, oldest first."""
        return tuple(self._pages(review_of, self._rest.pulls.list_reviews, number))

    def request_reviewers(self, number: int, reviewers: Iterable[str]) -> tuple[str, ...]:
        """Ask people (`alice`) and teams (`owner/team`) for a review; who was asked newly.

        Left out: the author, who was asked already, who has reviewed, and whom GitHub does not accept.
        """
        wanted = tuple(dict.fromkeys(reviewers))
        if not wanted:
            return ()
        there = self.pull(number)
        involved = {there.author.login, *there.reviewers, *(review.author.login for review in self.reviews(number))}
        known = {name.lower() for name in involved}
        new = [name for name in wanted if name.lower() not in known]
        people = [name for name in new if "/" not in name][:MAX_REVIEWERS]
        teams = [name for name in new if "/" in name][:MAX_REVIEWERS]
        if not people and not teams:
            return ()
        if self._ask_for_review(number, people, teams):
            return (*people, *teams)
        # One who is no collaborator spoils the request for all.
        asked = [name for name in people if self._ask_for_review(number, [name], [])]
        return (*asked, *(name for name in teams if self._ask_for_review(number, [], [name])))

    def _ask_for_review(self, number: int, people: list[str], teams: list[str]) -> bool:
        slugs = [team.rpartition("/")[2] for team in teams]
        said: Any = {"reviewers": people, "team_reviewers": slugs}
        try:
            self._create(nothing, self._rest.pulls.request_reviewers, number, data=said)
        except Refused:
            return False
        return True

    def merge(self, number: int, *, sha: str, method: MergeMethod = "merge") -> str:
        """Merge now if its head is still `sha`; the commit on the base branch. One that is merged already is fine.

        Raises:
            Outdated: its head is another one.
            Refused: it cannot be merged: conflicts, missing reviews or checks.
        """
        there = self.pull(number)
        if there.state == "merged" and there.merge_sha:
            return there.merge_sha
        if there.head.sha != sha:
            raise Outdated(f"#{number} has another head by now, {there.head.sha[:12]}")
        return self._create(
            lambda said: str(said["sha"]),
            self._rest.pulls.merge,
            number,
            data={"sha": sha, "merge_method": method},
        )

    def auto_merge(self, number: int, method: MergeMethod = "merge", *, sha: str, at_once: bool = True) -> bool:
        """Let GitHub merge it as soon as its rules allow; merges where nothing is missing, if `at_once`.

        Returns whether it is merged, or will be.

        Raises:
            Outdated: its head is not `sha` any more.
            Refused: the repository does not allow auto-merge.
        """
        there = self.pull(number)
        if there.auto_merge or there.state != "open":
            return True
        if there.head.sha != sha:
            raise Outdated(f"the head of pull request {number} has moved on to {there.head.sha[:12]}")
        wish = {"pullRequestId": there.node_id, "mergeMethod": method.upper(), "expectedHeadOid": sha}
        try:
            self._connection.mutate(Mutation("enablePullRequestAutoMerge", wish))
        except Refused as error:
            if not any(state in str(error).lower() for state in _NOTHING_TO_WAIT_FOR):
                raise
            if not at_once:
                return False
            self.merge(number, sha=sha, method=method)
        return True
