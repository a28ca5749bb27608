"""The errors of `runner`; the tree is drawn in the package's docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from datetime import datetime


class RunnerError(Exception):
    """Base of everything `runner` raises on purpose."""

    retryable: ClassVar[bool] = False


class DatabaseUnavailable(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """Postgres is not reachable."""

    retryable = True


DeployStage = Literal["build", "models", "boot", "preflight"]
"""Where a deployment fails: making the image, fetching models, starting the app, or looking whether it could work."""


class DeployFailed(RunnerError):  # noqa: N818
    """The app did not come up."""

    def __init__(self, message: str, *, log: str = "", stage: DeployStage = "boot") -> None:
        super().__init__(message)
        self.log = log
        self.stage: DeployStage = stage

    def __reduce__(self) -> tuple[object, ...]:
        return (_deploy_failed, (str(self), self.log, self.stage))


def _deploy_failed(message: str, log: str, stage: DeployStage) -> DeployFailed:
    return DeployFailed(message, log=log, stage=stage)


class EngineUnavailable(RunnerError):  # noqa: N818
    """The ComfyUI that was asked for cannot be used."""


class EndpointUnreachable(RunnerError):  # noqa: N818
    """A deployed app stopped answering."""

    retryable = True


class RunCancelled(RunnerError):  # noqa: N818
    """A person, or a newer run of the same app, ended this run."""


class RuntimeTooNew(RunnerError):  # noqa: N818
    """The repository's vendored runtime is newer than the one this Flowberth brings."""


class NotAllowed(RunnerError):  # noqa: N818
    """The repository's settings do not allow what the lock asks for."""


class RunBusy(RunnerError):  # noqa: N818
    """Another process carries out the run, or an older one of the same app, and does not let go."""


class RunNotFound(RunnerError):  # noqa: N818
    """No run with that id."""


class ForgeUnavailable(RunnerError):  # noqa: N818
    """The forge does not answer, or fails on its side."""

    retryable = True


class ForgeBusy(RunnerError):  # noqa: N818
    """The forge asks for patience. The run is put away until then, and holds nobody up meanwhile."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until

    def __reduce__(self) -> tuple[object, ...]:
        return (_forge_busy, (str(self), self.until))


def _forge_busy(message: str, until: datetime) -> ForgeBusy:
    return ForgeBusy(message, until=until)


class ForgeRefused(RunnerError):  # noqa: N818
    """The forge does not allow it: a permission, a rule of the repository, an installation that is gone."""


MAX_ATTEMPTS = 3
"""Of one retryable effect: what fails three times in a row is not a hiccup."""
PATIENCE_SECONDS = (0.0, 0.0, 2.0, 10.0)
"""Before the second and third attempt of what is on this machine; then the same of what is on the network."""


def decide_retry(error: BaseException, attempt: int) -> float | None:
    """Seconds to wait before the attempt that follows attempt number `attempt` (from 1); `None`: there is none.

    Errors of this package and of `worktrees` say themselves whether they are `retryable`.
    """
    if not getattr(error, "retryable", False) or attempt >= MAX_ATTEMPTS:
        return None
    away = not isinstance(error, EndpointUnreachable | DatabaseUnavailable)
    return PATIENCE_SECONDS[(2 if away else 0) + attempt - 1]
