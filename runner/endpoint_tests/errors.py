"""How a check ends when the endpoint is not as it should be."""


class CheckFailed(Exception):  # noqa: N818 - reads as the sentence that is shown
    """What was found, in one line for people. Caught by the suite, which goes on with the next check."""
