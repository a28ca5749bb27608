"""What `/status` and `/logs` answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github_app.telling.view import RunView

MAX_LOG: Final = 40_000
"""Characters of a log's end, so that the comment stays below its limit with whatever else is in it."""


def status(views: Sequence[RunView]) -> str:
    """Markdown: the newest runs of a conversation, each in a row; how far one that goes on has come."""
    return render("status.md.j2", views=sorted(views, key=lambda view: -view.number))


def logs(view: RunView, log: str) -> str:
    """Markdown with the end of what the app printed."""
    return render("logs.md.j2", view=view, log=log[-MAX_LOG:] if log.strip() else "", cut=len(log) > MAX_LOG)
