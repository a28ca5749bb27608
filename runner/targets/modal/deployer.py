"""Making one deployment: the app on Modal, its models, and what it says in a preflight."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen.lock import Lock
from runner.errors import DeployFailed
from runner.preflight import read_preflight
from runner.protocols import Deployment
from runner.targets.modal import names
from runner.targets.modal.cleaning import Cleaner
from runner.targets.modal.errors import ModalAuthRefused, ModalError, ModalUnavailable
from runner.targets.modal.places import alone, is_of, place, tags_of
from runner.targets.modal.records import DeploymentRecord
from runner.targets.modal.source import content_hash, copy_app
from runner.targets.modal.strangers import Stage, tail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.errors import DeployStage
    from runner.protocols import DeploymentSpec, Preflight
    from runner.targets.modal.records import DeploymentRecords
    from runner.targets.modal.strangers import Strangers
    from runner.targets.modal.workspace import DeployedApp, Workspace

MODELS_SECONDS = 7200.0
"""200 GB at a modest rate. The function's own time limit in app.py may be shorter; what it has fetched stays."""
PREFLIGHT_SECONDS = 900.0
LOG_ENTRIES = 500
"""Of what containers print, when something fails in them."""
FETCH_MODELS = "fetch_models"
PREFLIGHT = "preflight"
"""Functions of every generated app that has the need."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deployer:
    """For one spec. Errors are those of `runner.protocols.Target.ensure` and of `errors`."""

    spec: DeploymentSpec
    workspace: Workspace
    records: DeploymentRecords
    strangers: Strangers
    locks: Path
    """Folder of the locks of names."""
    build_seconds: float
    tell: Callable[[str], None]

    def found(self) -> Deployment | None:
        """The deployment of the spec under whatever name this run has used before."""
        for name in self._record().apps:
            app = self.workspace.find(name)
            if app is not None and is_of(app, self.spec):
                self._note(app_id=app.app_id, deploying=False)
                self._fetch_models(app)
                return self.ready(app)
        return None

    def made(self, wanted: str) -> Deployment:
        """The deployment of the spec under that name, or one like it; found, or made."""
        began = time.monotonic()
        self._clear_away()
        with alone(self.locks / f"{wanted}.lock", self.tell):
            name, found = place(self.workspace, wanted, tags_of(self.spec))
            new = found is None or not is_of(found, self.spec)
            if found is None or new:
                if name != wanted:
                    self.tell(f"the workspace has another app called {wanted}; this one is called {name}")
                found = self._deploy(name)
            self._note(apps=(name,), app_id=found.app_id, deploying=False)
        self._fetch_models(found)
        return self.ready(found, time.monotonic() - began if new else 0.0)

    def ready(self, app: DeployedApp, seconds: float = 0.0) -> Deployment:
        """A deployed app, with where it is reached."""
        try:
            url = self.workspace.url(app.name)
        except (ModalUnavailable, ModalAuthRefused):
            raise
        except ModalError as error:
            log.info("%s: %s has no endpoint: %s", self.spec.run_id, app.name, error)
            url = None
        if url is None:
            raise DeployFailed(f"{app.name} is deployed, but has no endpoint ComfyUI.web", stage="boot")
        return Deployment(name=app.name, url=url, engine="comfyui", startup_seconds=seconds)

    def preflight(self, app: DeployedApp) -> Preflight:
        """What the app says of itself, without a GPU."""
        return read_preflight(self._call(app, PREFLIGHT, "preflight", PREFLIGHT_SECONDS))

    def _deploy(self, name: str) -> DeployedApp:
        run_id, account = self.spec.run_id, self.workspace.account
        self._note(apps=(name,), deploying=True)
        source = self.records.folder(run_id) / "work" / "source"
        app_file = copy_app(self.spec.folder, source)
        tags = {**tags_of(self.spec), names.CONTENT: content_hash(source)}
        order = {"app_file": str(app_file), "app": name, "label": names.version_label(tags), "tags": tags}
        self.tell(f"deploying {name} to Modal")
        stage = self._stage("build", self.build_seconds)
        try:
            self.strangers.deploy(stage, account, order, self.tell)
        finally:
            shutil.rmtree(source, ignore_errors=True)
        return self._read_back(name, tags, stage)

    def _read_back(self, name: str, tags: dict[str, str], stage: Stage) -> DeployedApp:
        """What Modal says has been deployed, whatever the process that did it has said."""
        app = self.workspace.find(name)
        if app is not None and is_of(app, self.spec):
            return app
        if app is not None and names.same_lane(app.tags, tags) and app.tags.get(names.CONTENT) == tags[names.CONTENT]:
            # Modal skips a deployment that changes nothing, and may leave the tags as they were.
            self.workspace.set_tags(app.app_id, tags)
            return app.model_copy(update={"tags": tags})
        raise DeployFailed(
            f"the deploying has ended well, but what Modal has as {name} is not what was to be deployed",
            log=tail(stage.log),
            stage="build",
        )

    def _fetch_models(self, app: DeployedApp) -> None:
        """Without a GPU, into the Volume that all apps of the workspace share; what is there is not fetched again."""
        models = Lock.model_validate_json((self.spec.folder / "app.lock.json").read_bytes()).models
        content = app.tags.get(names.CONTENT)
        if not models or self._record().models_of == content:
            return
        self.tell(f"fetching {len(models)} model{'s' if len(models) > 1 else ''} into the workspace's Volume")
        self._call(app, FETCH_MODELS, "models", MODELS_SECONDS)
        self._note(models_of=content)

    def _call(self, app: DeployedApp, function: str, stage: DeployStage, seconds: float) -> object:
        account = self.workspace.account
        order = {"app": app.name, "environment": account.environment, "function": function}
        try:
            return self.strangers.call(self._stage(stage, seconds), account, order, self.tell)
        except DeployFailed as error:
            said = printed(self.workspace, app.app_id)
            raise DeployFailed(str(error), log=f"{said}\n{error.log}", stage=stage) from None

    def _record(self) -> DeploymentRecord:
        return self.records.get(self.spec.run_id) or DeploymentRecord(account=self.workspace.account.key)

    def _note(self, *, apps: tuple[str, ...] = (), **facts: object) -> None:
        """Put it on record, before it is done as well as after: there is something to stop."""
        record = self._record()
        known = tuple(dict.fromkeys((*record.apps, *apps)))
        changed = {"account": self.workspace.account.key, "apps": known, "stopped": False, **facts}
        self.records.put(self.spec.run_id, record.model_copy(update=changed))

    def _clear_away(self) -> None:
        """What a process that died has left half made; Modal would drop it some minutes later."""
        if self._record().deploying:
            for app in self.workspace.of_run(self.spec.run_id):
                if not app.is_deployed:
                    self.workspace.stop(app.app_id)

    def _stage(self, name: DeployStage, seconds: float) -> Stage:
        folder = self.records.folder(self.spec.run_id) / "work"
        return Stage(run_id=self.spec.run_id, name=name, folder=folder, seconds=seconds)


def printed(workspace: Workspace, app_id: str) -> str:
    """The last lines that containers of the app have printed, as they may be shown."""
    cleaner = Cleaner(workspace.account.secrets())
    return "\n".join(cleaner.clean(line) for line in workspace.logs(app_id, LOG_ENTRIES).splitlines())
