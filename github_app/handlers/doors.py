"""What the handlers of events have at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from github_app.github.app import GithubApp
    from github_app.github.repository import RepositoryApi
    from github_app.installations import Installations
    from github_app.knowledge import Knowledge
    from github_app.submissions.site import Site
    from runner.budget.ledger import Ledger
    from runner.budget.model import RunMoney
    from runner.model import EngineChoice, GithubRepository, RunId
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
    ledger: Ledger | None = None
    """`None`: nobody keeps count of money."""
    knowledge: Knowledge | None = None
    """`None`: no knowledge base is indexed."""

    refresh_knowledge: Callable[[GithubRepository, str], None] | None = None
    """Brings index and sums of a repository's knowledge base up to date on a branch; `None`: nobody does."""

    def money(self, run_id: RunId) -> RunMoney | None:
        """What the ledger says of a run; `None` where nothing costs."""
        return self.ledger.state(run_id) if self.ledger is not None and self.target.costs else None

    def repository(self, repository: GithubRepository) -> RepositoryApi:
        """GitHub's side of a repository."""
        return self.github.installation(repository.installation).repository(repository)
