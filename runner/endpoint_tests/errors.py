"""How a check ends when the endpoint is not as it should be.

CheckFailed
├── NotInTime    a request was not answered in time: whether it did anything is not known
└── MayGoOn      a job was given up, and is not known to have ended
"""


class CheckFailed(Exception):  # noqa: N818 - reads as the sentence that is shown
    """What was found, in one line for people. Caught by the suite, which goes on with the next check."""


class NotInTime(CheckFailed):
    """A request was not answered in time."""


class MayGoOn(CheckFailed):
    """Nobody waits for the job any more; it may still run, and cost, as long as the app lets a job run."""
