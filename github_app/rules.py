"""Where the settings of a repository are: `.github/flowberth.yml` on its default branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.repository_settings import PATH, RepositorySettings, parse_repository_settings

if TYPE_CHECKING:
    from github_app.github.repository import RepositoryApi


def rules_of(api: RepositoryApi, ref: str | None = None) -> RepositorySettings:
    """The settings as committed there; the defaults if there is no such file.

    Raises:
        InvalidRepositorySettings: the file cannot be used; names every problem with its line.
    """
    data = api.file(PATH, ref)
    return RepositorySettings() if data is None else parse_repository_settings(data)
