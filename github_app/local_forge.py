"""Pull requests without GitHub: rows in Postgres, real branches, real merges, and a page to look at."""

from __future__ import annotations

import base64
import logging
import mimetypes
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from github_app.errors import ForgeRefused, PullRequestNotFound
from runner.documents.page import page
from runner.model import PullRequest
from runner.tables import pull_request as table
from worktrees.errors import WorktreeError
from worktrees.merge import delete_branch, merge
from worktrees.mirror import Mirror

if TYPE_CHECKING:
    from runner.database import Database
    from worktrees.worktree import Worktree

MAX_INLINE_BYTES = 5 * 1024 * 1024
"""Of a picture put into the page; samples are kept far smaller than that."""

log = logging.getLogger(__name__)


class LocalForge:
    """The pull requests of one repository on this machine."""

    def __init__(self, database: Database, repo: Path, data_dir: Path) -> None:
        self._database = database
        self._repo = repo
        self._mirror = Mirror(data_dir, repo)
        self._pages = data_dir / "pull-requests" / self._mirror.path.stem

    def publish(self, worktree: Worktree) -> str:
        """Push the branch.

        Raises:
            worktrees.errors.PushRejected: somebody else pushed meanwhile, or the repository refuses.
        """
        return worktree.push()

    def draft(self, *, head: str, base: str, title: str, body: str) -> PullRequest | None:  # noqa: ARG002 - see below
        """No drafts here: the person who started the run is watching it."""
        return None

    def propose(self, *, head: str, base: str, title: str, body: str, ready: bool) -> PullRequest:  # noqa: ARG002
        """Open the pull request for `head`, or bring the open one up to date. Its title says whether tests fail."""
        key = str(self._repo)
        self._mirror.fetch()
        facts = {"title": title, "body": body, "base": base, "head_sha": self._mirror.tip(head)}
        with self._database.begin() as connection:
            # Numbers are consecutive in a repository, also when two processes open one at the same moment.
            connection.execute(
                sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"pull_request {key}", 0)))
            )
            mine = sa.and_(table.c.repo == key, table.c.head == head, table.c.state == "open")
            row = connection.execute(
                sa.update(table).where(mine).values(**facts, updated_at=sa.func.now()).returning(table)
            ).one_or_none()
            if row is None:
                last = connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.repo == key)) or 0
                row = connection.execute(
                    sa.insert(table).values(repo=key, number=last + 1, head=head, **facts).returning(table)
                ).one()
        return self._shown(row)

    def picture_url(self, *, head: str, path: str) -> str:  # noqa: ARG002 - the page shows the files of its own head
        """Markdown of a pull request names files by their path."""
        return path

    def files_url(self, *, head: str) -> str | None:  # noqa: ARG002
        """There is no page of a branch's files."""
        return None

    def list(self) -> tuple[PullRequest, ...]:
        """All of the repository, newest first."""
        with self._database.begin() as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.repo == str(self._repo)).order_by(table.c.number.desc())
            ).all()
        return tuple(self._value(row) for row in rows)

    def show(self, number: int) -> PullRequest:
        """One of them.

        Raises:
            PullRequestNotFound: there is none with that number.
        """
        return self._shown(self._row(number))

    def merge(self, number: int) -> PullRequest:
        """Merge into the base branch; then the head branch is deleted, unless somebody has pushed to it.

        A merge that a killed process made, but did not record, is recorded; a branch that it left is deleted.

        Raises:
            PullRequestNotFound: there is none with that number.
            ForgeRefused: it is closed.
            worktrees.errors.MergeRefused: conflicts, or a checkout with uncommitted changes.
        """
        row = self._row(number)
        if row.state == "merged":
            if row.head_sha:
                delete_branch(self._mirror, row.head, row.head_sha)
            return self._value(row)
        if row.state == "closed":
            raise ForgeRefused(f"#{number} is closed; run `flowberth up` again for a new pull request")
        self._mirror.fetch()
        tip = self._mirror.tip(row.head)
        base_tip = self._mirror.tip(row.base)
        if tip is None and row.head_sha and base_tip and self._mirror.is_merged(row.head_sha, base_tip):
            merged = base_tip
        else:
            merged = merge(self._mirror, row.head, row.base, f"Merge pull request #{number} from {row.head}")
        self._learn_of_merged(row.base)
        row = self._update(number, state="merged", merge_sha=merged, head_sha=tip or row.head_sha)
        if tip is not None:
            delete_branch(self._mirror, row.head, tip)
        return self._shown(row)

    def _learn_of_merged(self, base: str) -> None:
        """Index and sums of the knowledge base follow; where they cannot, the merge stands, and the next does it."""
        from runner.knowledge.refresh import refresh  # noqa: PLC0415 - of all that is done here only merging needs it

        try:
            refresh(self._mirror, base)
        except WorktreeError as error:
            log.warning("the knowledge base of %s is not brought up to date: %s", self._repo, error)

    def close(self, number: int) -> PullRequest:
        """Close without merging; the branch stays. Closing a closed one changes nothing.

        Raises:
            PullRequestNotFound: there is none with that number.
            ForgeRefused: it is merged.
        """
        row = self._row(number)
        if row.state == "merged":
            raise ForgeRefused(f"#{number} is merged already; revert its merge commit {row.merge_sha} instead")
        return self._shown(self._update(number, state="closed"))

    def _row(self, number: int) -> sa.Row[Any]:
        with self._database.begin() as connection:
            row = connection.execute(sa.select(table).where(self._is(number))).one_or_none()
        if row is None:
            raise PullRequestNotFound(
                f"there is no pull request #{number} of {self._repo}; `flowberth pr list` shows those there are"
            )
        return row

    def _update(self, number: int, **values: object) -> sa.Row[Any]:
        with self._database.begin() as connection:
            return connection.execute(
                sa.update(table).where(self._is(number)).values(**values, updated_at=sa.func.now()).returning(table)
            ).one()

    def _is(self, number: int) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.repo == str(self._repo), table.c.number == number)

    def _value(self, row: sa.Row[Any]) -> PullRequest:
        return PullRequest(
            number=row.number,
            title=row.title,
            body=row.body,
            head=row.head,
            base=row.base,
            url=self._page_path(row.number).as_uri(),
            state=row.state,
        )

    def _page_path(self, number: int) -> Path:
        return self._pages / f"{number}.html"

    def _shown(self, row: sa.Row[Any]) -> PullRequest:
        """The value, its page written."""
        value = self._value(row)
        page = self._page(value, row.head_sha)
        self._pages.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=self._pages)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        Path(partial).replace(self._page_path(value.number))
        return value

    def _page(self, value: PullRequest, commit: str | None) -> str:
        """Raw HTML in the text stays text; pictures of the commit are inlined, nothing is loaded from elsewhere."""
        return page(
            f"{value.title} #{value.number}",
            f"{value.state}: {value.head} → {value.base}",
            value.body,
            lambda path: self._inlined(path, commit),
        )

    def _inlined(self, path: str, commit: str | None) -> str:
        data = self._mirror.read(commit, path) if commit else None
        media_type = mimetypes.guess_type(path)[0]
        if data is None or len(data) > MAX_INLINE_BYTES or not media_type or not media_type.startswith("image/"):
            return ""
        return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
