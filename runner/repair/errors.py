"""The errors of `runner.repair`.

RunnerError
  RepairError
    BadSignature     a file of signatures cannot be used
"""

from __future__ import annotations

from runner.errors import RunnerError


class RepairError(RunnerError):
    """Base of everything `runner.repair` raises on purpose."""


class BadSignature(RepairError):  # noqa: N818 - reads as the sentence that is shown
    """A file of signatures cannot be used; the message names file and signature."""
