"""Every text that people read on GitHub but the pull request itself: pure, so the same values give the same Markdown.

    page.py      from a template to a page that GitHub takes
    words.py     steps, states, money and times in words
    sticky.py    the one comment of a run
    check.py     its check: the same, with the report, findings on the lock's lines, and buttons
    replies.py   answers to those who asked for something that we cannot do, or not yet
    welcome.py   the issue that a new installation begins with
    grids.py     variations: what they take, their table
    adopting.py  what `/adopt` answers
    asked.py     what `/status` and `/logs` answer
    found.py     what `/kb` answers

All values are escaped by the templates' environment (`runner.documents.markdown`): a name is never markup, and nobody
is mentioned.
"""

from github_app.telling.pages.adopting import adopting
from github_app.telling.pages.asked import logs, status
from github_app.telling.pages.check import CANCEL, RERUN, check
from github_app.telling.pages.found import found
from github_app.telling.pages.replies import (
    command_refused,
    fork_refused,
    nothing_found,
    outsider,
    permission_refused,
    settings_invalid,
    unreadable,
)
from github_app.telling.pages.sticky import sticky
from github_app.telling.pages.welcome import SetUp, welcome

__all__ = [
    "CANCEL",
    "RERUN",
    "SetUp",
    "adopting",
    "check",
    "command_refused",
    "fork_refused",
    "found",
    "logs",
    "nothing_found",
    "outsider",
    "permission_refused",
    "settings_invalid",
    "status",
    "sticky",
    "unreadable",
    "welcome",
]
