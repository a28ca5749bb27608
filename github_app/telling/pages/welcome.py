"""The issue that a new installation begins with: what is set up, and what is not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.model import Frozen
from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE: Final = "Flowberth is installed"


class SetUp(Frozen):
    """One thing that has to be in order."""

    name: str
    """`Permission to write checks`."""
    ok: bool
    detail: str
    """What was found; if it is not in order, what to do."""


def welcome(full_name: str, set_up: Sequence[SetUp], *, budget_usd: float, target: str, new_issue_url: str) -> str:
    """Markdown of the issue's body."""
    return render(
        "welcome.md.j2",
        full_name=full_name,
        set_up=set_up,
        ready=all(each.ok for each in set_up),
        budget_usd=budget_usd,
        target=target,
        new_issue_url=new_issue_url,
    )
