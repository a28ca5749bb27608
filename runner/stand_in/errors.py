"""The errors of the stand-in; drawn in the package's docstring."""

from typing import ClassVar


class StandInError(Exception):
    """Base of what the stand-in raises on purpose."""


class NodeError(StandInError):
    """A node cannot do what it is asked for."""

    exception_type: ClassVar[str] = "ValueError"
    """What ComfyUI would call the exception, in `execution_error`."""


class TooLarge(NodeError):  # noqa: N818 - reads as the sentence that is meant
    """A node asks for more memory than the stand-in gives."""

    exception_type = "RuntimeError"


class NotAPicture(NodeError):  # noqa: N818
    """A file that was to be loaded is no picture."""

    exception_type = "PIL.UnidentifiedImageError"


class NeedsModel(StandInError):  # noqa: N818 - reads as the sentence that is meant
    """A node got something simulated that it cannot read: it is simulated too."""


class Interrupted(StandInError):  # noqa: N818 - reads as the sentence that is shown
    """Somebody interrupted the prompt."""


class UnsafeName(StandInError):  # noqa: N818
    """A file name leaves its folder."""
