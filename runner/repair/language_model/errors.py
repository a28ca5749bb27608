"""The errors of `runner.repair.language_model`. None leaves it: each becomes the `why` of an `Advice`.

RepairError
  ModelError           no answer
    NotAffordable      it was not asked
    ModelRefuses       the API refuses the request, and has billed nothing
    ModelBusy          the API cannot be reached or cannot answer now, and has billed nothing; retryable
    ModelSilent        the answer did not come, and nobody knows whether it is billed
"""

from __future__ import annotations

from runner.repair.errors import RepairError


class ModelError(RepairError):
    """Base: there is no answer of the model."""


class NotAffordable(ModelError):  # noqa: N818 - reads as the sentence that is shown
    """What asking may cost does not fit below what one run may spend on it."""


class ModelRefuses(ModelError):  # noqa: N818
    """The API refuses the request, such as for a wrong key."""


class ModelBusy(ModelError):  # noqa: N818
    """The API is not there, or has too much to do."""

    retryable = True

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after
        """Seconds that it asks to wait."""

    def __reduce__(self) -> tuple[object, ...]:
        return (ModelBusy, (str(self),), {"after": self.after})


class ModelSilent(ModelError):  # noqa: N818
    """The connection ended before the answer came."""
