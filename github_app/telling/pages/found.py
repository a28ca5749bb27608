"""What `/kb` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from runner.knowledge.search import Found, Hit

KINDS: Final = {"pattern": "workflow", "learning": "learned", "fix": "fix", "nodes": "nodes of a pack"}
MAX_REASON: Final = 120
"""Characters of what an entry has in common with the question."""


def found(text: str, found: Found, files_url: str) -> str:
    """Markdown: the hits in their order, each with a link and why it is one. All of it is words of strangers.

    Args:
        text: what was looked for.
        found: what there is.
        files_url: the repository's files at the commit that was searched.
    """

    def url(hit: Hit) -> str:
        return f"{files_url}/{quote(hit.path)}{'#' if hit.part else ''}{quote(hit.part)}"

    return render("found.md.j2", text=text, found=found, url=url, kinds=KINDS, max_reason=MAX_REASON)
