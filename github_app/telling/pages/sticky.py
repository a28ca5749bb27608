"""The one comment of a run, edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from github_app.telling.view import RunView


def sticky(view: RunView) -> str:
    """Markdown: the state, how far it is, what it has cost, and what is asked of people."""
    return render("sticky.md.j2", view=view)
