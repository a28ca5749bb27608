"""A worker process: handles deliveries, carries out runs, tells people, and cleans up. All state is in Postgres.

Any number of workers may run on one database, on one machine for the local target. One that dies leaves nothing that
another does not take up: claims, leases and tellings are locks of its database sessions.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.advisers import adviser_of, judge_of
from github_app.billing import BILLS_SECONDS, Billing
from github_app.composition import database_of, finder_of, ledger_of, lookups_of, rates_of
from github_app.errors import GithubAppError
from github_app.events.parse import MalformedPayload
from github_app.github.app import GithubApp
from github_app.github.errors import Busy, GithubError
from github_app.github.forge import GithubForge, told_to_runs
from github_app.github.pace import Pace
from github_app.handlers.doors import Doors
from github_app.handlers.handle import handle
from github_app.installations import Installations
from github_app.knowledge import Knowledge
from github_app.repository_settings import PATH, InvalidRepositorySettings
from github_app.rules import rules_of
from github_app.server.deliveries import Arrivals, Deliveries
from github_app.server.sweep import Sweeper
from github_app.slack.errors import SlackBusy, SlackRefused, SlackUnavailable
from github_app.slack.office import slack_of
from github_app.slack.requests import EVENT as SLACK
from github_app.submissions.site import Site
from github_app.targets import LOCAL, target_of
from github_app.telling.reconcile import Reconciler
from github_app.telling.tell import Tell
from github_app.telling.teller import Teller
from github_app.telling.tellings import Tellings
from runner.errors import DatabaseUnavailable, ForgeRefused
from runner.knowledge.bills import bills_of
from runner.knowledge.refresh import refresh
from runner.model import EngineChoice, GithubRepository, Repository, repository_key
from runner.pool import RunPool
from runner.progress import Silent
from runner.records import RunRecords
from runner.runs import Runs
from runner.services import Services
from runner.targets.modal.target import ModalTarget
from worktrees.mirror import Mirror
from worktrees.reaper import reap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from github_app.server.deliveries import Delivery
    from github_app.settings import Settings
    from runner.database import Database

HANDLERS = 4
"""Threads that handle deliveries: they wait for GitHub most of the time."""
TELLERS = 2
ARRIVAL_SECONDS = 2.0
"""Longest wait for a notification; what is due by its time, and not by arriving, is found that late."""
SWEEP_SECONDS = 300.0
"""Between two looks at what GitHub could not deliver. One request, mostly."""
REAP_SECONDS = 600.0
LOST_SECONDS = 5.0
"""Before the next try when the database could not be reached, or anything else went wrong that is no delivery's."""
DISK_BYTES = 20 * 1024**3
"""Of all mirrors and worktrees; mirrors that were not used for longest go first."""

log = logging.getLogger(__name__)


class WorkerBroken(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """A thread of the worker has ended before its time, so the process is of no use any more."""


class Worker:
    """One process' worth of work."""

    def __init__(self, settings: Settings, database: Database) -> None:
        credentials = settings.github_credentials()
        self._settings = settings
        self._database = database
        self._stop = threading.Event()
        self._broken: str | None = None
        self._github = GithubApp(
            api_url=credentials.api_url,
            app_id=credentials.app_id,
            private_key=credentials.private_key,
            pace=Pace(database),
        )
        target = target_of(settings)
        self._ledger = ledger_of(settings, database)
        services = Services(
            target=target,
            forge=self._forge,
            mirror=self._mirror,
            data_dir=settings.data_dir,
            progress=Silent(),
            lookups=lookups_of(settings),
            drafts=True,
            most_previews=settings.local_previews if target.name == LOCAL else None,
            ledger=self._ledger,
            rates=rates_of(target),
            adviser=adviser_of(settings),
            judge=judge_of(settings),
        )
        self._records = RunRecords(database)
        self._billing = (
            Billing(target.bills, self._ledger, self._records, _now) if isinstance(target, ModalTarget) else None
        )
        self._runs = Runs(database, services)
        self._doors = Doors(
            github=self._github,
            runs=self._runs,
            records=self._records,
            installations=Installations(database),
            target=target,
            engine=_engine_of(settings),
            site=Site.of(credentials.api_url),
            ledger=self._ledger,
            knowledge=Knowledge(finder_of(settings, database), self._mirror),
            refresh_knowledge=self._refresh_knowledge,
        )
        self._slack = slack_of(settings, self._doors, database)
        self._deliveries = Deliveries(database)
        self._sweeper = Sweeper(self._github, self._deliveries)
        self._reconciler = Reconciler(self._records, Tellings(database), self._doors.repository)
        self._reconciled = False

    def serve(self) -> None:
        """Until `stop` is called; what is going on then is left as it is on record.

        Raises:
            WorkerBroken: a part of it has stopped working. Whoever looks after the process starts another one.
        """
        pool = RunPool(self._runs, self._settings.concurrent_runs)
        tellings = Tellings(self._database)
        work: list[tuple[str, Callable[[], None]]] = [("runs", lambda: pool.serve(self._stop))]
        work += [(f"deliveries-{number}", self._handle_all) for number in range(HANDLERS)]
        for number in range(TELLERS):
            teller = Teller(tellings, self._records, Tell(self._doors), _now)
            work.append((f"teller-{number}", lambda teller=teller: teller.serve(self._stop)))
        slack = self._slack
        if slack is not None:
            work.append(("slack", lambda: slack.teller(_now).serve(self._stop)))
        work.append(("sweeper", lambda: self._now_and_then(SWEEP_SECONDS, self._sweep)))
        work.append(("reaper", lambda: self._now_and_then(REAP_SECONDS, self._reap)))
        billing = self._billing
        if billing is not None:
            work.append(("bills", lambda: self._now_and_then(BILLS_SECONDS, billing.once)))
        threads = [threading.Thread(target=self._to_the_end, args=part, name=part[0]) for part in work]
        for thread in threads:
            thread.start()
        self._stop.wait()
        pool.wake()
        for thread in threads:
            thread.join()
        if self._broken is not None:
            raise WorkerBroken(self._broken)

    def stop(self) -> None:
        """Make `serve` return."""
        self._stop.set()

    def close(self) -> None:
        """Let go of everything but the database."""
        self._deliveries.close()
        self._runs.close()
        self._doors.target.close()
        self._github.close()

    def _to_the_end(self, name: str, body: Callable[[], None]) -> None:
        """A thread that ends silently would be missed by nobody, so all end with it."""
        try:
            body()
        except BaseException:  # whatever it is: the process has to end, and to say why
            log.critical("the thread %s has died, and the worker ends with it", name, exc_info=True)
        if not self._stop.is_set():
            self._broken = f"the thread {name} ended before its time"
            self._stop.set()

    def _handle_all(self) -> None:
        arrivals = Arrivals(self._database)
        while not self._stop.is_set():
            try:
                delivery = self._deliveries.claim()
                if delivery is None:
                    arrivals.wait(ARRIVAL_SECONDS)
                else:
                    self._handle(delivery)
            except DatabaseUnavailable as error:
                log.warning("%s", error)
                self._stop.wait(LOST_SECONDS)
            except Exception:  # a delivery's own errors are dealt with below: this is of taking the next one
                log.exception("taking deliveries")
                self._stop.wait(LOST_SECONDS)
        arrivals.close()

    def _handle(self, delivery: Delivery) -> None:
        try:
            acted = self._acted(delivery)
        except (Busy, SlackBusy) as error:
            self._deliveries.again(delivery, str(error), not_before=error.until, counts=False)
        except SlackUnavailable as error:
            self._deliveries.again(delivery, str(error))
        except GithubError as error:
            if error.retryable:
                self._deliveries.again(delivery, str(error))
            else:
                log.warning("%s %s: %s", delivery.guid, delivery.event, error)
                self._deliveries.failed(delivery, str(error))
        except (MalformedPayload, SlackRefused) as error:
            log.warning("%s %s: %s", delivery.guid, delivery.event, error)
            self._deliveries.failed(delivery, str(error))
        except DatabaseUnavailable:
            self._deliveries.let_go(delivery)
            raise
        except Exception as error:  # one delivery must not hold up the others, whatever is wrong with it
            log.exception("%s %s", delivery.guid, delivery.event)
            self._deliveries.again(delivery, f"{type(error).__name__}: {error}")
        else:
            settle = self._deliveries.handled if acted else self._deliveries.ignored
            settle(delivery)

    def _acted(self, delivery: Delivery) -> bool:
        if delivery.event == SLACK:
            return self._slack is not None and self._slack.desk.handle(delivery)
        return handle(delivery, self._doors)

    def _now_and_then(self, seconds: float, body: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                body()
            except (GithubError, DatabaseUnavailable) as error:
                log.warning("%s", error)
            except Exception:  # the next round may fare better, and without rounds nothing is ever cleaned up
                log.exception("%s", body.__name__)
            self._stop.wait(seconds)

    def _sweep(self) -> None:
        self._sweeper.once()
        self._deliveries.prune()
        if not self._reconciled and self._deliveries.may_sweep():
            self._reconciler.once(self._stop)
            self._reconciled = True

    def _reap(self) -> None:
        try:
            reap(self._settings.data_dir, active_run_ids=self._records.unfinished_ids, quota_bytes=DISK_BYTES)
        finally:  # a disk that cannot be tidied is no reason to leave production down
            self._runs.serving.restore()
            self._ledger.settle_abandoned()
            if isinstance(self._doors.target, ModalTarget):
                self._doors.target.reap(self._records.with_deployments)

    def _forge(self, repository: Repository) -> GithubForge:
        assert isinstance(repository, GithubRepository)
        api = self._doors.repository(repository)
        with told_to_runs():
            try:
                rules = rules_of(api)
            except InvalidRepositorySettings as error:
                raise ForgeRefused(f"{PATH} cannot be used: {error}") from None
        return GithubForge(api, verified_commits=rules.verified_commits, reviewers=rules.reviewers)

    def _refresh_knowledge(self, repository: GithubRepository, base: str) -> None:
        bills = bills_of(self._ledger, self._records, repository_key(repository))
        refresh(self._mirror(repository), base, self._forge(repository), bills)

    def _mirror(self, repository: Repository) -> Mirror:
        assert isinstance(repository, GithubRepository)
        return Mirror(self._settings.data_dir, GithubForge(self._doors.repository(repository)).remote())


def _engine_of(settings: Settings) -> EngineChoice:
    """As `--comfyui` of `flowberth up`; whether it can be used, its first run says."""
    given = settings.comfyui
    if given is None:
        return EngineChoice()
    if given.startswith(("http://", "https://")):
        return EngineChoice(url=given.rstrip("/"))
    return EngineChoice(path=Path(given).expanduser().absolute())


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def opened_worker(settings: Settings) -> Generator[Worker]:
    """A worker on the database that the settings name.

    Raises:
        github_app.settings.InvalidSettings: what is needed to be a GitHub App is missing.
        DatabaseUnavailable: Postgres cannot be reached.
    """
    with database_of(settings) as database:
        worker = Worker(settings, database)
        try:
            yield worker
        finally:
            worker.close()


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    with opened_worker(settings) as worker:

        def stop(_number: int, _frame: object) -> None:
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        worker.serve()
