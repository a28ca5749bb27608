"""Where the settings of a repository are: `.github/flowberth.yml` on its default branch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from github_app.repository_settings import PATH, RepositorySettings, parse_repository_settings

if TYPE_CHECKING:
    from github_app.github.repository import RepositoryApi


BELIEVED_SECONDS = 10.0
"""How long settings are believed where a run asks again and again: it is told of every few seconds."""


def rules_of(api: RepositoryApi, ref: str | None = None) -> RepositorySettings:
    """The settings as committed there; the defaults if there is no such file.

    Raises:
        InvalidRepositorySettings: the file cannot be used; names every problem with its line.
    """
    data = api.file(PATH, ref)
    return RepositorySettings() if data is None else parse_repository_settings(data)


class RecentRules:
    """The settings of repositories as of a moment ago, for all threads of a process."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[float, RepositorySettings]] = {}

    def of(self, api: RepositoryApi) -> RepositorySettings:
        """As `rules_of`, at most `BELIEVED_SECONDS` old.

        Raises:
            InvalidRepositorySettings: as `rules_of`; that is not remembered.
        """
        repository, now = api.reference.id, time.monotonic()
        known = self._read.get(repository)
        if known is not None and now - known[0] < BELIEVED_SECONDS:
            return known[1]
        rules = rules_of(api)
        self._read[repository] = (now, rules)
        return rules
