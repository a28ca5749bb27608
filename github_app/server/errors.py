"""The errors of `github_app.server`; the tree is drawn in the package's docstring."""

from __future__ import annotations

from github_app.errors import GithubAppError


class ServerError(GithubAppError):
    """Base of everything `github_app.server` raises on purpose."""


class NotStored(ServerError):  # noqa: N818 - reads as the sentence that is shown
    """A delivery could not be put on record, or it is not known whether it was."""


class RegistrationFailed(ServerError):  # noqa: N818
    """No App was made, or what GitHub said of it cannot be used."""


class CannotServe(ServerError):  # noqa: N818
    """The address cannot be listened on."""
