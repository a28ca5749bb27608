"""Check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from github_app.github.model import CheckRun, CheckSummary, CheckView


class Checks(Subject):
    """The check runs of commits."""

    def check(self, sha: str, name: str, external_id: str, view: CheckView, *, known: int | None = None) -> int:
        """Bring our check run with that external id on the commit to show `view`, or create it; its id.

        Annotations can only be added, says GitHub: those that it has stay. `known`: as returned before.
        """
        raise NotImplementedError

    def our_checks(self, sha: str) -> tuple[CheckRun, ...]:
        """The check runs that we have made on a commit."""
        raise NotImplementedError

    def check_run(self, check: int) -> CheckRun:
        """One of ours by its id."""
        raise NotImplementedError

    def checks_of_others(self, sha: str) -> CheckSummary:
        """What the latest check runs of others and the commit statuses say of a commit."""
        raise NotImplementedError
