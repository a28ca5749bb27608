"""Issues that we open for somebody else: who that is, in a hidden mark at their top.

The App writes them, but it is not the App's permission that counts. Only who may write in the repository can change the
mark, and could start the run as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from github_app.github.markers import in_marker, marked

if TYPE_CHECKING:
    from github_app.github.model import Issue

STRANGER: Final = "somebody on Slack"
"""Who is nobody on GitHub, as far as we know. No login: it has no permission, and nobody is asked for it."""
_NOBODY: Final = "nobody"
_MARK = re.compile(r"\A<!-- flowberth [^>\n]*-->\r?\n<!-- flowberth for:(?:(nobody)|login:([\w.-]+)) -->", re.ASCII)


def on_behalf(login: str | None, body: str) -> str:
    """The body of an issue that is opened for a person; `None` for somebody who is nobody on GitHub."""
    return marked(f"for:login:{in_marker(login)}" if login else f"for:{_NOBODY}", body)


def author_of(issue: Issue, bot_login: str) -> str:
    """Login of whoever the issue is by; `STRANGER` where that is nobody on GitHub."""
    mark = _MARK.match(issue.body) if issue.author.login == bot_login else None
    if mark is None:
        return issue.author.login
    return STRANGER if mark[1] else mark[2].replace("-.", "-")
