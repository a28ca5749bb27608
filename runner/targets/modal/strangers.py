"""What is done in confined processes: deploying an app, and calling a function of a deployed one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import DeployFailed
from runner.targets.modal.cleaning import BuildLog, Cleaner
from runner.targets.modal.confinement import MOST_OUTPUT_BYTES
from runner.targets.modal.errors import ModalAuthRefused, ModalRefused, ModalUnavailable
from runner.targets.modal.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.errors import DeployStage
    from runner.model import RunId
    from runner.targets.modal.accounts import ModalAccount
    from runner.targets.modal.confinement import Confinement, Ended

TELL_SECONDS = 1.0
"""Between two lines that are told; the log has all."""
LOG_TAIL_BYTES = 64 * 1024
"""Of a log in a failure: with room for the traceback, and for what led to it."""
LONGEST_REASON = 300
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
"""A preflight's, with the definitions of many classes, has some hundred kilobytes. What is cut off is no JSON."""


@dataclass(frozen=True)
class Stage:
    """One thing that is done in a confined process, for one run."""

    run_id: RunId
    name: DeployStage
    folder: Path
    """Of the process; the log goes beside it."""
    seconds: float

    @property
    def log(self) -> Path:
        """Where its output is kept."""
        return self.folder.parent / f"{self.name}.log"


class Strangers:
    """Runs strange code for one account at a time, and turns how it ends into our errors."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement

    def deploy(self, stage: Stage, account: ModalAccount, order: dict[str, Any], tell: Callable[[str], None]) -> None:
        """Deploy what `order` says (see `deploying`). That it ends well says little: look at Modal.

        Raises:
            DeployFailed: it does not; carries its output.
            ModalUnavailable, ModalAuthRefused, ModalRefused: it says that Modal is to blame.
        """
        self._run(stage, account, "runner.targets.modal.deploying", order, tell)

    def call(self, stage: Stage, account: ModalAccount, order: dict[str, Any], tell: Callable[[str], None]) -> object:
        """Call the function that `order` says (see `calling`); its answer, which may be any JSON whatever.

        Raises:
            DeployFailed: there is none; carries the output.
            ModalUnavailable, ModalAuthRefused, ModalRefused: it says that Modal is to blame.
        """
        result = stage.folder / "answer.json"
        result.unlink(missing_ok=True)
        self._run(stage, account, "runner.targets.modal.calling", {**order, "result": str(result)}, tell)
        try:
            with result.open("rb") as file:
                return json.loads(file.read(LARGEST_ANSWER_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise self._failed(
                stage, f"the app's {order['function']} gave no answer that can be read: {error}"
            ) from None

    def _run(
        self, stage: Stage, account: ModalAccount, module: str, order: dict[str, Any], tell: Callable[[str], None]
    ) -> None:
        stage.folder.mkdir(parents=True, exist_ok=True)
        cleaner = Cleaner(account.secrets())
        teller = _Teller(tell)
        with BuildLog(stage.log) as log:

            def on_line(line: str) -> None:
                text = cleaner.clean(line)
                log.add(text)
                teller.tell(text)

            ended = self._confinement.run(
                stage.run_id,
                ["-m", module, json.dumps(order)],
                variables=account.variables(),
                folder=stage.folder,
                seconds=stage.seconds,
                on_line=on_line,
                waiting=teller.wait,
            )
        if ended.status != 0 or ended.too_much or ended.stopped:
            raise self._error(stage, account, ended)

    def _error(self, stage: Stage, account: ModalAccount, ended: Ended) -> Exception:
        too_much = {
            "time": f"it took longer than {stage.seconds / 60:.0f} minutes",
            "output": f"it printed more than {MOST_OUTPUT_BYTES >> 20} MiB",
        }
        if ended.stopped or ended.too_much:
            return self._failed(stage, too_much.get(ended.too_much or "", "it was stopped while it was going on"))
        reason = _last_line(tail(stage.log))
        match ended.status:
            case Status.AUTH:
                return ModalAuthRefused(f"Modal does not accept the token of {account.source}: {reason}")
            case Status.UNAVAILABLE:
                return ModalUnavailable(f"Modal does not answer: {reason}")
            case Status.REFUSED:
                return ModalRefused(f"Modal does not allow it: {reason}")
            case _:
                return self._failed(stage, reason or f"exit status {ended.status}")

    def _failed(self, stage: Stage, reason: str) -> DeployFailed:
        what = {"build": "deploying to Modal", "models": "fetching its models", "preflight": "its preflight"}
        return DeployFailed(f"{what.get(stage.name, stage.name)}: {reason}", log=tail(stage.log), stage=stage.name)


class _Teller:
    """Passes on the newest line, now and then; what it is told raises if the run is to end."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = 0.0

    def tell(self, line: str) -> None:
        now = time.monotonic()
        if line.strip() and now - self._told >= TELL_SECONDS:
            self._told = now
            self._tell(line[:LONGEST_REASON])

    def wait(self) -> None:
        self.tell("waiting until other deployments have ended")


def tail(path: Path) -> str:
    """The end of a log, from the beginning of a line."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL_BYTES))
            data = file.read()
    except FileNotFoundError:
        return ""
    if size > LOG_TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:LONGEST_REASON] if lines else ""
