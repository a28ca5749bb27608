"""From a template and values to a page that GitHub takes."""

from __future__ import annotations

from typing import Final

from github_app.telling.pages import grids, words
from runner.documents import words as costs
from runner.documents.markdown import templates

MAX_BODY: Final = 60_000
"""Bytes. GitHub takes 65,536 characters of a comment, and 65,535 bytes of each part of a check."""
ROWS: Final = (30, 10, 3)
"""Of each list or table: the most that fits, so that nothing is cut in the middle."""
TEMPLATES = templates("github_app.telling.pages")


def render(template: str, **values: object) -> str:
    """Markdown of less than `MAX_BODY` bytes."""
    page = ""
    for rows in ROWS:
        page = TEMPLATES.get_template(template).render(**values, words=words, costs=costs, grids=grids, rows=rows)
        if len(page.encode()) < MAX_BODY:
            break
    return page.rstrip() + "\n"
