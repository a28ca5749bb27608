"""From the text of an issue to what it refers to and asks for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.submissions.site import GITHUB

if TYPE_CHECKING:
    from github_app.submissions.model import Found
    from github_app.submissions.site import Site


def find_submissions(body: str, *, title: str, repository: str, site: Site = GITHUB) -> Found:
    """What an issue holds; never raises.

    Args:
        body: Markdown, as it was written.
        title: of the issue: a pasted workflow is named after it.
        repository: `owner/name` of the issue's repository, for paths.
        site: where the issue is.
    """
    raise NotImplementedError
