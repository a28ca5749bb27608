"""The local target: the app's own `app.py`, run on this machine with the real `modal` package and no account."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Literal

import httpx
import psutil
from pydantic import ValidationError

from codegen.lock import Lock
from runner.engine import engine_settings, trust
from runner.errors import DeployFailed, RunCancelled
from runner.model import EngineChoice, Frozen
from runner.protocols import Deployment, say_nothing
from runner.targets.local_preflight import look, own_copy
from runner.targets.local_server import KEEP
from worktrees.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from runner.model import RunId
    from runner.protocols import DeploymentSpec, Preflight

STARTUP_SECONDS = 300.0
"""A real ComfyUI with packs on a slow disk takes minutes; the stand-in one second."""
POLL_SECONDS = 0.03
"""Between two looks whether the app listens or has died."""
HEALTH_SECONDS = 10.0
"""One answer of /health; ComfyUI may be loading a model meanwhile."""
STOP_SECONDS = 20.0
"""For the app to stop its engine and itself; then its whole process group is killed."""
LOG_TAIL_BYTES = 20_000
"""Of the app's output in a failure."""
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""All that the app gets of our environment: no token, no key, no database, no proxy."""


class DeploymentRecord(Frozen):
    """What is written down of a deployment, so that any later process finds it."""

    pid: int
    started: float
    """The process' own start time: a pid alone may be somebody else's by now."""
    attempt: int


class LocalTarget:
    """Apps as processes of this machine, one per run."""

    name = "local"
    costs = False

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "deployments"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._guard = threading.Lock()

    def ensure(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Find the live deployment of `spec`, or make it; clears away a dead one of the same run first.

        Raises:
            DeployFailed: the app did not come up; carries the tail of its log.
            EngineUnavailable: the ComfyUI asked for cannot be used.
        """
        del tell  # it takes seconds
        with FileLock(self._folder / spec.run_id / "ensure.lock"):
            found = self._found(spec)
            if found is not None:
                return found
            self.stop(spec.run_id)
            return self._start(spec)

    def preflight(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Preflight:
        """Look whether ComfyUI starts with its packs and would take the prompt, in a process of its own.

        Raises:
            DeployFailed: ComfyUI did not get as far as being asked, or there is no answer.
            EngineUnavailable: the ComfyUI asked for cannot be used.
        """
        home = self._folder / spec.run_id / "preflight"
        shutil.rmtree(home, ignore_errors=True)
        work = home / "work"
        work.mkdir(parents=True)
        try:
            app = own_copy(spec.folder, home / "app")
            return look(app, home, self._environment(spec, work, self._engine_to_ask(spec)), tell)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def discard(self, spec: DeploymentSpec, models: Collection[str]) -> None:
        """Nothing: the models are those of whoever's ComfyUI it is."""
        del spec, models

    def headers(self, spec: DeploymentSpec) -> dict[str, str]:
        """None: only this machine reaches it."""
        del spec
        return {}

    def keep(self, spec: DeploymentSpec, *, tell: Callable[[str], None] = say_nothing) -> Deployment:
        """Let the deployment outlive this process; an earlier one's, which has died with it, is made again."""
        deployment = self.ensure(spec, tell=tell)
        with self._guard:
            process = self._processes.pop(spec.run_id, None)
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has died meanwhile; the next `ensure` will see
                process.stdin.write(KEEP)
                process.stdin.close()
            process.returncode = 0  # it lives on: Popen would warn that it was left running
        return deployment

    def serves(self, run_id: RunId) -> bool:
        """Whether the app's process lives."""
        record = self._record(run_id)
        return record is not None and _process(record) is not None

    def stop(self, run_id: RunId) -> None:
        """Stop whatever this run has deployed, in any process. Idempotent."""
        record = self._record(run_id)
        if record is not None:
            _end(record)
        with self._guard:
            process = self._processes.pop(run_id, None)
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()  # its lifeline
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for name in ("work", "app"):
            shutil.rmtree(self._folder / run_id / name, ignore_errors=True)
        for name in ("record.json", "state.json"):
            (self._folder / run_id / name).unlink(missing_ok=True)

    def close(self) -> None:
        """There is nothing."""

    def log(self, run_id: RunId) -> str:
        """The last lines the deployment printed."""
        try:
            with (self._folder / run_id / "app.log").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def _found(self, spec: DeploymentSpec) -> Deployment | None:
        record = self._record(spec.run_id)
        if record is None or record.attempt != spec.attempt or _process(record) is None:
            return None
        url = self._state(spec.run_id, "url")
        return None if url is None else _healthy(spec.name, url, 0.0)

    def _start(self, spec: DeploymentSpec) -> Deployment:
        home = self._folder / spec.run_id
        work = home / "work"
        work.mkdir(parents=True, exist_ok=True)
        app = own_copy(spec.folder, home / "app")
        environment = self._environment(spec, work, spec.engine)
        began = time.monotonic()
        with (home / "app.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "runner.targets.local_server"),
                    *("--app", str(app / "app.py"), "--state", str(home / "state.json")),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=work,  # outside any checkout: `modal` reads git facts of the current folder
                start_new_session=True,
            )
        with self._guard:
            self._processes[spec.run_id] = process
        record = DeploymentRecord(
            pid=process.pid, started=psutil.Process(process.pid).create_time(), attempt=spec.attempt
        )
        _write(home / "record.json", record.model_dump_json())
        url = self._wait(spec, process, began + STARTUP_SECONDS)
        deployment = _healthy(spec.name, url, time.monotonic() - began)
        if deployment is None:
            raise DeployFailed("the app listens, but its /health does not answer 200", log=self.log(spec.run_id))
        return deployment

    def _wait(self, spec: DeploymentSpec, process: subprocess.Popen[bytes], deadline: float) -> str:
        while True:
            url = self._state(spec.run_id, "url")
            if url is not None:
                return url
            if process.poll() == -signal.SIGINT:  # a Ctrl-C in its first moments, before it has a session of its own
                raise RunCancelled("interrupted at the terminal")
            if process.poll() is not None:
                raise DeployFailed(
                    f"the app ended while starting (exit status {process.returncode})", log=self.log(spec.run_id)
                )
            if time.monotonic() > deadline:
                log = self.log(spec.run_id)
                self.stop(spec.run_id)
                raise DeployFailed(f"the app did not start within {STARTUP_SECONDS:.0f} s", log=log)
            time.sleep(POLL_SECONDS)

    def _engine_to_ask(self, spec: DeploymentSpec) -> EngineChoice:
        """The stand-in that the deployment has started, if it has: another one would say the same, a second later.

        A ComfyUI of this machine is always started for the preflight: only then is it seen how its packs come up.
        """
        if spec.engine.path is not None or spec.engine.url is not None or self._found(spec) is None:
            return spec.engine
        return EngineChoice(url=self._state(spec.run_id, "engine_url"))

    def _environment(self, spec: DeploymentSpec, work: Path, engine: EngineChoice) -> dict[str, str]:
        lock = Lock.model_validate_json((spec.folder / "app.lock.json").read_bytes())
        passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
        return {
            **passed,
            "HOME": str(work),
            "MODAL_CONFIG_PATH": os.devnull,
            "PYTHONUNBUFFERED": "1",
            "FLOWBERTH_WORK_DIR": str(work),
            **engine_settings(engine, core=lock.comfyui.version, work_dir=work),
        }

    def _state(self, run_id: str, key: Literal["url", "engine_url"]) -> str | None:
        try:
            return json.loads((self._folder / run_id / "state.json").read_text())[key]
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _record(self, run_id: str) -> DeploymentRecord | None:
        try:
            return DeploymentRecord.model_validate_json((self._folder / run_id / "record.json").read_text())
        except (FileNotFoundError, ValidationError):
            return None


def _healthy(name: str, url: str, startup_seconds: float) -> Deployment | None:
    try:
        # no proxy leads here
        answer = httpx.get(f"{url}/health", timeout=HEALTH_SECONDS, trust_env=False, verify=trust())
        if not answer.is_success:
            return None
        engine = answer.json()["engine"]
        return Deployment(name=name, url=url, engine=engine, startup_seconds=startup_seconds)
    except (httpx.HTTPError, ValueError, KeyError):
        return None


def _process(record: DeploymentRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _end(record: DeploymentRecord) -> None:
    process = _process(record)
    if process is None:
        return
    children = process.children(recursive=True)
    try:
        process.terminate()
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        os.killpg(record.pid, signal.SIGKILL)
    except psutil.NoSuchProcess:
        pass
    _, alive = psutil.wait_procs(children, timeout=1.0)
    for child in alive:
        child.kill()


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)
