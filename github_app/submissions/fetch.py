"""From references to the bytes of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from github_app.submissions.site import GITHUB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github_app.submissions.model import Collected, Reference, Submission, Unreadable
    from github_app.submissions.site import Site


class RepositoryFiles(Protocol):
    """The files of the issue's repository, through the API: `github_app.github.repository.RepositoryApi`."""

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file's content; `None` if there is no file, or no such ref."""
        ...


def collect(
    references: Sequence[Reference], *, repository: str, files: RepositoryFiles, site: Site = GITHUB
) -> Collected:
    """Fetch all, and keep each content once.

    Raises:
        github_app.github.errors.Unavailable, Busy: try again later.
    """
    raise NotImplementedError


def fetch(
    reference: Reference, *, repository: str, files: RepositoryFiles, site: Site = GITHUB
) -> tuple[Submission, ...] | Unreadable:
    """The workflows behind one reference; a zip file or a gist can hold several.

    Args:
        reference: where it is.
        repository: `owner/name` of the issue's repository; its files are read through `files`, with its permission.
        files: see above. All else is read from the web without any credentials.
        site: the GitHub they are on; nothing is fetched from anywhere else.

    Raises:
        github_app.github.errors.Unavailable, Busy: try again later.
    """
    raise NotImplementedError
