"""The error of `runner.variations`; the tree is drawn in the package's docstring."""

from __future__ import annotations

from runner.errors import RunnerError


class BadVariation(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """What was asked for cannot be varied so. The message quotes what was written: whoever shows it escapes it."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        """What was probably meant."""

    def __reduce__(self) -> tuple[object, ...]:
        return (BadVariation, (str(self), self.suggestion))
