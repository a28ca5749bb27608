"""One account's side of Modal, as plain calls. Each is a question to a `control` process with that account."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import subprocess
import threading
from concurrent.futures import Future
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from runner.model import Frozen
from runner.targets.modal.confinement import PYTHON, environment
from runner.targets.modal.errors import ModalAuthRefused, ModalError, ModalRefused, ModalUnavailable
from runner.targets.modal.names import RUN
from runner.targets.modal.statuses import Status

if TYPE_CHECKING:
    from pathlib import Path

    from runner.targets.modal.accounts import ModalAccount

ANSWER_SECONDS = 120.0
"""Longer than the client tries to reach Modal, which is a minute, and than it is patient when asked for patience."""
LEAVE_SECONDS = 5.0
"""For a `control` process to end when its input has."""
DEPLOYED = "deployed"

log = logging.getLogger(__name__)


class DeployedApp(Frozen):
    """An app as Modal has it."""

    app_id: str
    name: str
    state: str
    """`deployed`, `stopped`, `initializing` or another of `modal.types.AppState`."""
    version: int | None
    deployed_at: datetime | None
    tags: dict[str, str]

    @property
    def is_deployed(self) -> bool:
        """Whether it can be called."""
        return self.state == DEPLOYED


class AppStats(Frozen):
    """Of the last hour. Modal may be late with it."""

    calls: int
    failed_calls: int
    containers: int
    container_errors: int


class BillLine(Frozen):
    """What one app has cost in one hour, as billed."""

    app_id: str
    began_at: datetime
    usd: Decimal
    by_resource: dict[str, Decimal]
    tag: str | None
    """Value of the tag that was asked for, at that time."""


class ProxyToken(Frozen):
    """What requests to an endpoint with `requires_proxy_auth` carry."""

    id: str
    secret: str


_BILL = TypeAdapter(tuple[BillLine, ...])
_RATES = TypeAdapter(dict[str, Decimal])
_HISTORY = TypeAdapter(tuple[dict[str, str | None], ...])
_APPS = TypeAdapter(tuple[DeployedApp, ...])


class Workspace:
    """What can be asked of Modal and done there. Every call may raise one of these.

    ModalUnavailable: Modal does not answer, or fails.
    ModalAuthRefused: it does not accept the token; says where that was set.
    ModalRefused: the workspace does not allow it.
    ModalError: anything else it says no with.
    """

    def __init__(self, account: ModalAccount, folder: Path) -> None:
        self.account = account
        self._folder = folder
        self._guard = threading.Lock()
        self._line: _Line | None = None

    def hello(self) -> str:
        """The name of the workspace: the token is accepted."""
        return str(self._ask("hello")["workspace"])

    def find(self, name: str) -> DeployedApp | None:
        """The deployed app of that name, or of that id in whatever state."""
        answer = self._ask("find", name=name)
        return None if answer is None else DeployedApp.model_validate(answer)

    def of_run(self, run_id: str) -> tuple[DeployedApp, ...]:
        """The live apps that a run has deployed, or was deploying when it died."""
        return _APPS.validate_python(self._ask("of_run", run_id=run_id))

    def url(self, name: str) -> str | None:
        """Where the endpoint of the deployed app is."""
        return self._ask("url", name=name)

    def set_tags(self, app_id: str, tags: dict[str, str]) -> None:
        """Give the app these tags and no others; the next deployment brings its own."""
        self._ask("set_tags", app_id=app_id, tags=tags)

    def stop(self, app_id: str) -> None:
        """End the app for good. Idempotent."""
        self._ask("stop", app_id=app_id)

    def delete_volume(self, name: str) -> None:
        """Delete a Volume. Idempotent."""
        self._ask("delete_volume", name=name)

    def remove_file(self, volume: str, path: str) -> None:
        """Remove a file of a Volume. Idempotent."""
        self._ask("remove_file", volume=volume, path=path)

    def logs(self, app_id: str, entries: int) -> str:
        """The last entries that containers of the app have printed."""
        return str(self._ask("logs", app_id=app_id, entries=entries))

    def stats(self, app_id: str) -> AppStats:
        """How much the app was called."""
        return AppStats.model_validate(self._ask("stats", app_id=app_id))

    def history(self, name: str) -> tuple[dict[str, str | None], ...]:
        """The versions of a deployed app, newest first, with the names of their columns.

        Nothing but Modal's own command lists them. Rolling back to one of them takes a plan that has it; deploying an
        older lock again takes none, and reuses what was built.
        """
        ended = subprocess.run(
            [*PYTHON, "-m", "modal", "app", "history", name, "--json"],
            capture_output=True,
            env=environment(self._folder, self.account.variables()),
            cwd=self._folder,
            timeout=ANSWER_SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            said = ended.stderr.decode("utf-8", "replace").strip()
            raise refusal(Status.FAILED, said.splitlines()[-1] if said else "no history", self.account)
        return _HISTORY.validate_json(ended.stdout)

    def rates(self) -> dict[str, Decimal]:
        """What the account pays, in US dollars, by the names that Modal gives."""
        return _RATES.validate_python(self._ask("rates"))

    def bill(self, since: datetime, tag: str = RUN) -> tuple[BillLine, ...]:
        """What was billed for all apps since then, in whole hours. The hour that goes on is not in it."""
        return _BILL.validate_python(self._ask("bill", since=since.isoformat(), tag=tag))

    def make_proxy_token(self, name: str) -> ProxyToken:
        """A new one, which the workspace shows under that name."""
        return ProxyToken.model_validate(self._ask("make_proxy_token", name=name))

    def close(self) -> None:
        """End the process behind it. A later call starts another one."""
        with self._guard:
            if self._line is not None:
                self._line.close()
                self._line = None

    def _ask(self, call: str, **arguments: object) -> Any:  # noqa: ANN401 - plain JSON, validated above
        for last in (False, True):
            line = self._opened()
            try:
                return self._answer(line.ask(call, arguments))
            except _LineLost:
                if last:
                    raise ModalUnavailable("the process that speaks to Modal has died") from None
        raise AssertionError

    def _opened(self) -> _Line:
        with self._guard:
            if self._line is None or self._line.lost:
                if self._line is not None:
                    self._line.close()
                self._folder.mkdir(parents=True, exist_ok=True)
                self._line = _Line(self.account, self._folder)
            return self._line

    def _answer(self, answer: dict[str, Any]) -> Any:  # noqa: ANN401 - see `_ask`
        if "error" not in answer:
            return answer["answer"]
        raise refusal(Status(answer["status"]), str(answer["error"]), self.account)


class _LineLost(Exception):  # noqa: N818 - never shown
    """The process has ended, perhaps just because it had nothing to do."""


class _Line:
    """A `control` process, and who waits for which of its answers."""

    def __init__(self, account: ModalAccount, folder: Path) -> None:
        self._numbers = itertools.count()
        self._guard = threading.Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self.lost = False
        with (folder / "control.log").open("wb") as errors:
            self._process = subprocess.Popen(
                [*PYTHON, "-m", "runner.targets.modal.control"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(folder, account.variables()),
                cwd=folder,
                start_new_session=True,  # a Ctrl-C is for us, who may still have apps to stop
            )
        self._reader = threading.Thread(target=self._read, name=f"modal-{account.key}", daemon=True)
        self._reader.start()

    def ask(self, call: str, arguments: dict[str, object]) -> dict[str, Any]:
        """The answer.

        Raises:
            _LineLost: there is none, as the process has ended.
            ModalUnavailable: it takes too long.
        """
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = Future()
        question = json.dumps({"id": number, "call": call, "with": arguments}).encode() + b"\n"
        with self._guard:
            if self.lost:
                raise _LineLost
            self._waiting[number] = answer
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(question)
                self._process.stdin.flush()
            except OSError:
                raise _LineLost from None
        try:
            return answer.result(ANSWER_SECONDS)
        except TimeoutError:
            raise ModalUnavailable(f"Modal has not answered within {ANSWER_SECONDS:.0f} s") from None
        finally:
            with self._guard:
                self._waiting.pop(number, None)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                answer = json.loads(line)
                with self._guard:
                    waiting = self._waiting.pop(answer["id"], None)
                if waiting is not None:
                    waiting.set_result(answer)
        with self._guard:
            self.lost = True
            left = tuple(self._waiting.values())
            self._waiting.clear()
        for waiting in left:
            waiting.set_exception(_LineLost())


def refusal(status: Status, message: str, account: ModalAccount) -> ModalError:
    """What Modal said no with, as our error."""
    match status:
        case Status.AUTH:
            return ModalAuthRefused(f"Modal does not accept the token of {account.source}: {message}")
        case Status.UNAVAILABLE:
            return ModalUnavailable(f"Modal does not answer: {message}")
        case Status.REFUSED:
            return ModalRefused(f"Modal does not allow it: {message}")
        case _:
            return ModalError(f"Modal says: {message}")
