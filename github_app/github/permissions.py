"""Who may what, asked live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.github.subject import Subject

if TYPE_CHECKING:
    from github_app.github.model import PermissionName, Visibility


class Permissions(Subject):
    """What the repository lets people do."""

    def permission(self, login: str) -> PermissionName:
        """What a person may do there, as of now. `author_association` in payloads says less and is often wrong."""
        raise NotImplementedError

    def may_write(self, login: str) -> bool:
        """Whether that is write or better."""
        return self.permission(login) in ("write", "maintain", "admin")

    def default_branch(self) -> str:
        """Its name."""
        return self.about().default_branch

    def visibility(self) -> Visibility:
        """Who can see the repository."""
        return self.about().visibility
