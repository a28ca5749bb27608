"""What the handlers of events have at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from github_app.github.app import GithubApp
    from github_app.github.repository import RepositoryApi
    from github_app.installations import Installations
    from github_app.submissions.site import Site
    from runner.model import EngineChoice, GithubRepository
    from runner.protocols import Target
    from runner.records import RunRecords
    from runner.runs import Runs


@dataclass(frozen=True)
class Doors:
    """One per process; safe to use from several threads."""

    github: GithubApp
    runs: Runs
    records: RunRecords
    installations: Installations
    target: Target
    engine: EngineChoice
    """The ComfyUI of apps that run on this machine."""
    site: Site
    """The GitHub all of this is on."""

    def repository(self, repository: GithubRepository) -> RepositoryApi:
        """GitHub's side of a repository."""
        return self.github.installation(repository.installation).repository(repository)
