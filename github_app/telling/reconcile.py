"""Finds check runs of ours that were left going on, though their run has ended or lost sight of them.

What was made on GitHub is put on record after it is there. A worker that dies in between leaves a check run that nobody
knows of; usually it is found by its external id the next time its run is told of, but not if the run has pushed another
commit since.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from github_app.github.errors import GithubError
from github_app.handlers.redeploy import OWN_BRANCH

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from github_app.github.model import Pull
    from github_app.github.repository import RepositoryApi
    from github_app.telling.tellings import Tellings
    from runner.model import GithubRepository
    from runner.records import RunRecords

RECENT = timedelta(days=3)
"""Repositories in which nothing has happened for longer were looked through at an earlier start."""
COMMITS = 20
"""Newest of a pull request; a run pushes three or four."""
PAUSE_SECONDS = 0.2
"""Between two pull requests, each of which takes a few requests: there is no hurry, and others share the limits."""

log = logging.getLogger(__name__)


class Reconciler:
    """Looks once, when a worker starts."""

    def __init__(
        self, records: RunRecords, tellings: Tellings, repository: Callable[[GithubRepository], RepositoryApi]
    ) -> None:
        self._records = records
        self._tellings = tellings
        self._repository = repository

    def once(self, stop: threading.Event) -> None:
        """Look through the open pull requests of every repository in which something has happened lately.

        Where GitHub does not answer or allow it, the next start looks again. Ends early when `stop` is set.
        """
        for repository in self._records.repositories_since(RECENT):
            try:
                self._one(self._repository(repository), stop)
            except GithubError as error:
                log.warning("%s: not looked through for what was left: %s", repository.full_name, error)
            if stop.is_set():
                return

    def _one(self, api: RepositoryApi, stop: threading.Event) -> None:
        for pull in api.open_pulls():
            if pull.from_fork or not pull.head.branch.startswith(OWN_BRANCH):
                continue
            for sha in _commits(api, pull):
                for check in api.our_checks(sha):
                    if check.status != "completed" and self._tellings.found_check(check.external_id, sha, check.id):
                        log.info("%s: found the check run %d on %s", check.external_id, check.id, sha)
            if stop.wait(PAUSE_SECONDS):
                return


def _commits(api: RepositoryApi, pull: Pull) -> Iterator[str]:
    """Newest first."""
    yield from reversed(api.compare(pull.base.branch, pull.head.sha).commits[-COMMITS:])
