"""`/rollback`: an earlier version back into production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.production import serving, to_production, versions
from github_app.handlers.redeploy import app_of

if TYPE_CHECKING:
    from github_app.commands.rollback import Rollback
    from github_app.handlers.talk import Talk


def rollback(talk: Talk, command: Rollback) -> None:
    """The version before, or the one that is named by tag or commit.

    Raises:
        CannotDo: there is no such version.
    """
    if not talk.is_pull:
        raise CannotDo("an issue does not say which app; write /rollback on a pull request of it, open or merged")
    name = app_of(talk.api, talk.pull)
    known = versions(talk, name)
    listed = ", ".join(f"{tag} ({commit[:12]})" for tag, commit in known) or "nothing yet"
    if command.to is None:
        commits = [commit for _, commit in known]
        now = serving(talk, name)
        before = commits[commits.index(now) + 1 :] if now in commits else commits
        if not before:
            raise CannotDo(f"{name} has no earlier version to go back to; in production there was {listed}")
        chosen = before[0]
    else:
        matching = [
            commit
            for tag, commit in known
            if command.to in (tag, tag.rpartition("/")[2]) or commit.startswith(command.to)
        ]
        if len(matching) != 1:
            raise CannotDo(f"{command.to} is no version of {name}; in production there was {listed}")
        chosen = matching[0]
    to_production(talk, name, chosen, base=talk.pull.base.branch)
