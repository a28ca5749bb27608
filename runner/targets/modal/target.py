"""The target `modal`: which run has which app, and what becomes of it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from codegen.lock import Lock
from runner.errors import DeployFailed
from runner.protocols import say_nothing
from runner.targets.modal import names
from runner.targets.modal.confinement import MOST_AT_ONCE, Confinement
from runner.targets.modal.deployer import Deployer, printed
from runner.targets.modal.errors import ModalError, NoModalAccount
from runner.targets.modal.places import app_of, is_of, place, tags_of
from runner.targets.modal.proxy_tokens import proxy_token
from runner.targets.modal.records import DeploymentRecord, DeploymentRecords
from runner.targets.modal.strangers import Strangers, tail
from runner.targets.modal.workspace import Workspace
from worktrees.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from runner.model import RunId
    from runner.protocols import Deployment, DeploymentSpec, Preflight
    from runner.targets.modal.accounts import ModalAccount, ModalAccounts
    from runner.targets.modal.workspace import AppStats, BillLine, DeployedApp

BUILD_SECONDS = 3600.0
"""An image with torch and a dozen packs takes a quarter of an hour; one that compiles attention kernels the rest."""
LOG_TAIL_CHARACTERS = 20_000
KEPT_SECONDS = 30 * 24 * 3600.0
"""For so long the logs of a run can be asked for after its app has been stopped."""
ELSEWHERE_SECONDS = 60.0
"""A run that has no record on this machine is looked for at Modal so seldom: most such runs have deployed nothing."""

log = logging.getLogger(__name__)


class ModalTarget:
    """Apps in the workspaces of `accounts`.

    A preview is deployed in place of its predecessor. What is to go into production is deployed beside it, under a name
    of its own, and takes its place only when it is kept: until then production is what it was.
    """

    name = "modal"
    costs = True

    def __init__(
        self,
        accounts: ModalAccounts,
        data_dir: Path,
        *,
        most_at_once: int = MOST_AT_ONCE,
        build_seconds: float = BUILD_SECONDS,
    ) -> None:
        self._accounts = accounts
        self._folder = data_dir / "modal"
        self._records = DeploymentRecords(self._folder / "runs")
        self._confinement = Confinement(data_dir, most_at_once)
        self._strangers = Strangers(self._confinement)
        self._build_seconds = build_seconds
        self._guard = threading.Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._nowhere: dict[str, float] = {}

    def ensure(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Find the live deployment of `spec`, or make it.

        Raises:
            DeployFailed: the image, the models or the app itself failed; carries the log, and the stage.
            ModalError: see `errors`.
        """
        deployer = self._deployer(spec, tell)
        with self._alone(spec):
            if spec.environment != "production":
                return deployer.found() or deployer.made(app_of(spec))
            _, kept = place(deployer.workspace, app_of(spec), tags_of(spec))
            if kept is not None and is_of(kept, spec):
                return deployer.ready(kept)
            return deployer.made(names.candidate_name(app_of(spec)))

    def keep(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Put into production what was tested beside it. A preview is there to stay anyway.

        Raises:
            DeployFailed, ModalError: as `ensure`.
        """
        tested = self.ensure(spec, tell=tell)
        if spec.environment != "production":
            return tested
        deployer = self._deployer(spec, tell)
        with self._alone(spec):
            kept = deployer.made(app_of(spec))
            for app in self._all_of_run(deployer.workspace, spec.run_id):
                if app.name != kept.name:
                    _end(deployer.workspace, app)
        return kept

    def preflight(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Preflight:
        """Call the app's own preflight, which has no GPU. Whatever it says comes from the app.

        Raises:
            DeployFailed: it gives no answer.
            ModalError: as `ensure`.
        """
        deployer = self._deployer(spec, tell)
        for app in self._all_of_run(deployer.workspace, spec.run_id):
            if is_of(app, spec):
                return deployer.preflight(app)
        raise DeployFailed("the app is not deployed any more", stage="preflight")

    def discard(self, spec: DeploymentSpec, models: Collection[str]) -> None:
        """Have these models of the lock, `folder/file`, fetched anew the next time.

        What has a hash was checked against it when it came, and stays where it is: other apps may be using it.

        Raises:
            ModalError: as `ensure`.
        """
        workspace = self._workspace(self._accounts.of(spec.owner))
        for model in Lock.model_validate_json((spec.folder / "app.lock.json").read_bytes()).models:
            there = names.model_place(model)
            if there is not None and f"{model.folder}/{model.file}" in models:
                workspace.remove_file(names.MODELS_VOLUME, there)
        record = self._records.get(spec.run_id)
        if record is not None:
            self._records.put(spec.run_id, record.model_copy(update={"models_of": None}))

    def headers(self, spec: DeploymentSpec) -> dict[str, str]:
        """What passes an endpoint that asks for a proxy token of the workspace."""
        if not Lock.model_validate_json((spec.folder / "app.lock.json").read_bytes()).access.proxy_auth:
            return {}
        account = self._accounts.of(spec.owner)
        token = proxy_token(self._workspace(account), self._account_folder(account))
        return {"Modal-Key": token.id, "Modal-Secret": token.secret}

    def serves(self, run_id: RunId) -> bool:
        """Whether an app is there whose newest version this run has deployed. Asks Modal alone, and wakes nothing.

        Raises:
            ModalError: nobody can tell.
        """
        return self._serving(run_id) is not None

    def stop(self, run_id: RunId) -> None:
        """End this run's deploying, and every app whose newest version it has deployed. Idempotent.

        Raises:
            ModalError: nobody can tell whether it is stopped.
        """
        interrupted = self._confinement.stop(run_id)
        record = self._known(run_id)
        if record is None or (record.stopped and not interrupted):
            return
        if interrupted:  # its last words may still be on their way: there is something to stop until it is looked again
            record = record.model_copy(update={"deploying": True, "stopped": False})
            self._records.put(run_id, record)
        workspace = self._of(record)
        for app in self._all_of_run(workspace, run_id, half_made=record.deploying):
            _end(workspace, app)
        if not interrupted:
            self._records.clear(run_id)
            self._records.put(run_id, record.model_copy(update={"stopped": True, "deploying": False}))

    def reap(self, wanted: Callable[[], Collection[RunId]], clock: Callable[[], float] = time.time) -> None:
        """Stop what runs that have ended have left deployed, as when Modal was away; forget those long ended.

        `wanted`: the runs that may have something deployed. Asked when it is known what there is: whatever is deployed
        meanwhile is of a run that is not looked at.
        """
        there = self._records.all()
        active = wanted()
        for run_id in there:
            if run_id in active:
                continue
            record = self._records.get(run_id)
            try:
                if record is not None and not record.stopped:
                    self.stop(run_id)
                elif clock() - self._records.written_at(run_id) > KEPT_SECONDS:
                    self._records.forget(run_id)
            except ModalError as error:
                log.warning("%s: not cleared away: %s", run_id, error)

    def log(self, run_id: RunId) -> str:
        """The last lines that the app has printed; those of its build as long as it has not printed any."""
        record = self._known(run_id)
        if record is None:
            return ""
        said = ""
        if record.app_id is not None:
            try:
                said = printed(self._of(record), record.app_id)
            except ModalError as error:
                said = f"{error}\n"
        return (said or tail(self._records.folder(run_id) / "build.log"))[-LOG_TAIL_CHARACTERS:]

    def stats(self, run_id: RunId) -> AppStats | None:
        """How much the run's app was called in the last hour; `None` if nothing is deployed."""
        serving = self._serving(run_id)
        return None if serving is None else serving[0].stats(serving[1].app_id)

    def history(self, run_id: RunId) -> tuple[dict[str, str | None], ...]:
        """The versions of the run's app, newest first, as Modal's own command lists them."""
        serving = self._serving(run_id)
        return () if serving is None else serving[0].history(serving[1].name)

    def bill(self, run_id: RunId, since: datetime) -> tuple[BillLine, ...]:
        """What was billed for what the run has deployed, in whole hours that have passed."""
        record = self._known(run_id)
        if record is None:
            return ()
        return tuple(line for line in self._of(record).bill(since, names.RUN) if line.tag == run_id)

    def bills(self, since: datetime) -> tuple[BillLine, ...]:
        """What was billed for all apps of all accounts, in whole hours; what an account does not tell is left out."""
        found: list[BillLine] = []
        for account in self._accounts.all():
            try:
                found += self._workspace(account).bill(since, names.RUN)
            except ModalError as error:
                log.warning("no bills of %s: %s", account.source, error)
        return tuple(found)

    def rates(self, owner: str) -> dict[str, Decimal]:
        """What the account of this login pays, in US dollars, by Modal's names of resources."""
        return self._workspace(self._accounts.of(owner)).rates()

    def check(self, owner: str = "") -> str:
        """The name of the workspace, once it has accepted the token.

        Raises:
            ModalError: it has not.
        """
        return self._workspace(self._accounts.of(owner)).hello()

    def close(self) -> None:
        """End the processes that speak to Modal. Those that deploy end with whoever waits for them."""
        with self._guard:
            workspaces = tuple(self._workspaces.values())
        for workspace in workspaces:
            workspace.close()

    def _serving(self, run_id: RunId) -> tuple[Workspace, DeployedApp] | None:
        record = self._known(run_id)
        if record is None or record.stopped:
            return None
        workspace = self._of(record)
        return next(((workspace, app) for app in self._all_of_run(workspace, run_id) if app.is_deployed), None)

    def _all_of_run(self, workspace: Workspace, run_id: RunId, *, half_made: bool = False) -> Iterable[DeployedApp]:
        """Newest name first. `half_made`: also what may be there that has no name yet."""
        if half_made:
            return workspace.of_run(run_id)
        record = self._records.get(run_id)
        found = [workspace.find(name) for name in reversed(record.apps if record else ())]
        return [app for app in found if app is not None and app.tags.get(names.RUN) == run_id]

    def _known(self, run_id: RunId) -> DeploymentRecord | None:
        """The record of this machine; or what Modal knows, of a run that another one has carried out."""
        record = self._records.get(run_id)
        if record is not None:
            return record
        now = time.monotonic()
        if now - self._nowhere.get(run_id, -ELSEWHERE_SECONDS) < ELSEWHERE_SECONDS:
            return None
        for account in self._accounts.all():
            try:
                apps = self._workspace(account).of_run(run_id)
            except ModalError as error:
                log.warning("%s: not looked for at %s: %s", run_id, account.source, error)
                continue
            if apps:
                found = tuple(app.name for app in apps)
                record = DeploymentRecord(account=account.key, apps=found, app_id=apps[-1].app_id)
                self._records.put(run_id, record)
                return record
        recent = {run: then for run, then in self._nowhere.items() if now - then < ELSEWHERE_SECONDS}
        self._nowhere = {**recent, run_id: now}
        return None

    def _of(self, record: DeploymentRecord) -> Workspace:
        account = self._accounts.get(record.account)
        if account is None:
            raise NoModalAccount(f"the Modal account {record.account}, where it was deployed, is not set up any more")
        return self._workspace(account)

    def _workspace(self, account: ModalAccount) -> Workspace:
        with self._guard:
            if account.key not in self._workspaces:
                self._workspaces[account.key] = Workspace(account, self._account_folder(account))
            return self._workspaces[account.key]

    def _account_folder(self, account: ModalAccount) -> Path:
        return self._folder / "accounts" / account.key

    def _alone(self, spec: DeploymentSpec) -> FileLock:
        return FileLock(self._records.folder(spec.run_id) / "ensure.lock")

    def _deployer(self, spec: DeploymentSpec, tell: Callable[[str], None]) -> Deployer:
        account = self._accounts.of(spec.owner)
        return Deployer(
            spec=spec,
            workspace=self._workspace(account),
            records=self._records,
            strangers=self._strangers,
            locks=self._folder / "names" / account.key,
            build_seconds=self._build_seconds,
            tell=tell,
        )


def _end(workspace: Workspace, app: DeployedApp) -> None:
    """Stop an app, and delete the Volume that is its own. Those that apps share are never touched."""
    workspace.stop(app.app_id)
    workspace.delete_volume(names.volume_name(app.name))
