"""The composition root for one machine: which implementation stands behind each protocol.

Each function imports what it puts together: reading a pull request needs no workflow engine.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.database import Database
from runner.errors import ForgeRefused
from runner.model import GithubRepository
from runner.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from codegen.facts import Lookups
    from github_app.local_forge import LocalForge
    from github_app.settings import Settings
    from runner.budget.ledger import Ledger
    from runner.budget.prices import Rates
    from runner.knowledge.finder import KnowledgeFinder
    from runner.model import Repository
    from runner.protocols import Progress, Target
    from runner.records import RunRecords
    from runner.runs import Runs


def database_of(settings: Settings) -> Database:
    """The database that the settings name; nothing is connected or started yet.

    Raises:
        runner.errors.DatabaseUnavailable: the URL is none of a PostgreSQL server.
    """
    url = settings.database_url
    return Database(settings.data_dir, url.get_secret_value() if url else None)


def ledger_of(settings: Settings, database: Database) -> Ledger:
    """The money of all runs, below the limits that the settings name."""
    from runner.budget.ledger import Ledger  # noqa: PLC0415 - see the module's docstring
    from runner.budget.limits import Limits  # noqa: PLC0415

    limits = Limits(run_usd=settings.run_budget_usd, monthly_usd=settings.monthly_budget_usd)
    return Ledger(database, lambda: datetime.now(UTC), limits)


def rates_of(target: Target) -> Callable[[str], Rates]:
    """What seconds cost on the target: what its accounts say, where it has any."""
    from runner.budget.live_rates import LiveRates  # noqa: PLC0415 - see the module's docstring
    from runner.budget.prices import LIST_RATES  # noqa: PLC0415
    from runner.targets.modal.target import ModalTarget  # noqa: PLC0415

    if isinstance(target, ModalTarget):
        return LiveRates(target.rates, lambda: datetime.now(UTC).date())
    return lambda _owner: LIST_RATES


def lookups_of(settings: Settings, *, offline: bool = False) -> Lookups:
    """Whom to ask about models and packs; nobody if the settings or the caller say so."""
    from runner.lookups.live import Endpoints, LiveLookups  # noqa: PLC0415 - see the module's docstring
    from runner.lookups.offline import Offline  # noqa: PLC0415

    if offline or settings.offline:
        return Offline()
    endpoints = Endpoints(
        hugging_face=settings.hugging_face_url,
        civitai=settings.civitai_url,
        github=settings.packs_github_url,
        registry=settings.registry_url,
    )
    tokens = {
        endpoints.hugging_face: settings.hugging_face_token,
        endpoints.civitai: settings.civitai_token,
        endpoints.github: settings.packs_github_token,
    }
    given = {url: token.get_secret_value() for url, token in tokens.items() if token is not None}
    return LiveLookups(settings.data_dir / "lookups" / "cache.db", endpoints, given)


def _on_this_machine(repository: Repository) -> Path:
    if isinstance(repository, GithubRepository):
        raise ForgeRefused(f"{repository.full_name} is on GitHub: `flowberth serve` carries out its runs")
    return repository


@contextmanager
def opened_runs(settings: Settings, progress: Progress | None = None, *, offline: bool = False) -> Generator[Runs]:
    """Runs on the local target and the local forge. One at a time in a process: DBOS is a singleton."""
    from github_app.advisers import adviser_of, judge_of  # noqa: PLC0415 - see the module's docstring
    from github_app.local_forge import LocalForge  # noqa: PLC0415
    from github_app.targets import target_of  # noqa: PLC0415
    from runner.runs import Runs  # noqa: PLC0415
    from runner.services import Services  # noqa: PLC0415
    from worktrees.mirror import Mirror  # noqa: PLC0415

    data_dir = settings.data_dir
    with database_of(settings) as database:
        target = target_of(settings)
        services = Services(
            target=target,
            forge=lambda repo: LocalForge(database, _on_this_machine(repo), data_dir),
            mirror=lambda repo: Mirror(data_dir, _on_this_machine(repo)),
            data_dir=data_dir,
            progress=progress or Silent(),
            lookups=lookups_of(settings, offline=offline),
            ledger=ledger_of(settings, database),
            rates=rates_of(target),
            adviser=adviser_of(settings),
            judge=judge_of(settings),
        )
        runs = Runs(database, services)
        try:
            yield runs
        finally:
            runs.close()
            target.close()


@contextmanager
def opened_records(settings: Settings) -> Generator[RunRecords]:
    """What is on record of runs, to be read."""
    from runner.records import RunRecords  # noqa: PLC0415 - see the module's docstring

    with database_of(settings) as database:
        yield RunRecords(database)


@contextmanager
def opened_books(settings: Settings) -> Generator[tuple[RunRecords, Ledger]]:
    """What is on record of runs and of their money, to be read."""
    from runner.records import RunRecords  # noqa: PLC0415 - see the module's docstring

    with database_of(settings) as database:
        yield RunRecords(database), ledger_of(settings, database)


def finder_of(settings: Settings, database: Database) -> KnowledgeFinder:
    """What searches knowledge bases: for what is meant, too, if the extra `embeddings` is installed and wanted."""
    from runner.knowledge.embeddings import embedder_here  # noqa: PLC0415 - see the module's docstring
    from runner.knowledge.finder import KnowledgeFinder  # noqa: PLC0415

    return KnowledgeFinder(database, embedder_here() if settings.embeddings else None)


@contextmanager
def opened_finder(settings: Settings) -> Generator[KnowledgeFinder]:
    """What searches knowledge bases."""
    with database_of(settings) as database:
        yield finder_of(settings, database)


@contextmanager
def opened_forge(settings: Settings, repo: Path) -> Generator[LocalForge]:
    """The pull requests of one repository."""
    from github_app.local_forge import LocalForge  # noqa: PLC0415 - see the module's docstring

    with database_of(settings) as database:
        yield LocalForge(database, repo, settings.data_dir)
