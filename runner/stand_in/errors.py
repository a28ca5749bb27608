"""The errors of the stand-in; drawn in the package's docstring."""


class StandInError(Exception):
    """Base of what the stand-in raises on purpose."""


class NodeError(StandInError):
    """A node cannot do what it is asked for."""


class NeedsModel(StandInError):  # noqa: N818 - reads as the sentence that is meant
    """A node got something simulated that it cannot read: it is simulated too."""


class Interrupted(StandInError):  # noqa: N818 - reads as the sentence that is shown
    """Somebody interrupted the prompt."""


class UnsafeName(StandInError):  # noqa: N818
    """A file name leaves its folder."""
