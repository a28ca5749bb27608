"""What Modal, or the lack of it, does to a run.

    RunnerError
    └── ModalError
        ├── ModalUnavailable   retryable  Modal does not answer, asks for patience for too long, or fails on its side
        ├── ModalAuthRefused   terminal   the token is not accepted; says which setting it came from
        ├── ModalRefused       terminal   a limit, a budget, a permission or a plan of the workspace forbids it
        └── NoModalAccount     terminal   no workspace is set up for the owner of the repository

A build that fails, or an app that does not come up, is `runner.errors.DeployFailed`, as on every target.
"""

from __future__ import annotations

from runner.errors import RunnerError


class ModalError(RunnerError):
    """Base of what goes wrong with Modal itself."""


class ModalUnavailable(ModalError):  # noqa: N818 - reads as the sentence that is shown
    """Modal does not answer, asks for patience for too long, or fails on its side."""

    retryable = True


class ModalAuthRefused(ModalError):  # noqa: N818
    """Modal does not accept the token."""


class ModalRefused(ModalError):  # noqa: N818
    """Modal does not allow it: a limit, a budget, a permission or a plan of the workspace."""


class NoModalAccount(ModalError):  # noqa: N818
    """There is no workspace for the owner of the repository."""
