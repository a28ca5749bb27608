"""A pull request that touches the settings file gets a check that says whether it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.repository_settings import PATH, InvalidRepositorySettings
from github_app.rules import rules_of
from github_app.telling.pages import plainly

if TYPE_CHECKING:
    from github_app.handlers.talk import Talk

CHECK = "flowberth / settings"


def check_settings(talk: Talk) -> None:
    """Check the file as it is on the head, if the pull request changes it."""
    pull = talk.pull
    if pull.state != "open" or PATH not in {file.path for file in talk.api.pull_files(talk.number)}:
        return
    try:
        rules_of(talk.api, pull.head.sha)
    except InvalidRepositorySettings as error:
        view = plainly.settings_check(error.problems)
    else:
        view = plainly.settings_check(())
    talk.api.check(pull.head.sha, CHECK, f"settings:{pull.head.sha}", view)
