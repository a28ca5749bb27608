"""Who may what, asked live."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from github_app.github.errors import NotFound
from github_app.github.model import PermissionName
from github_app.github.subject import Subject

if TYPE_CHECKING:
    from github_app.github.model import Visibility

_LOGIN = re.compile(r"[\w-]{1,100}(\[bot\])?", re.ASCII)


class Permissions(Subject):
    """What the repository lets people do."""

    def permission(self, login: str) -> PermissionName:
        """What a person may do there, as of now. `author_association` in payloads says less and is often wrong."""
        if not _LOGIN.fullmatch(login):
            return "none"
        method = self._rest.repos.get_collaborator_permission_level
        try:
            return self._read(_permission_of, method, login)
        except NotFound:
            return "none"

    def may_write(self, login: str) -> bool:
        """Whether that is write or better."""
        return self.permission(login) in ("write", "maintain", "admin")

    def default_branch(self) -> str:
        """Its name."""
        return self.about().default_branch

    def visibility(self) -> Visibility:
        """Who can see the repository."""
        return self.about().visibility


def _permission_of(said: Any) -> PermissionName:  # noqa: ANN401 - JSON
    """`permission` says `write` for `maintain` and `read` for `triage`; `role_name` may be an organisation's own."""
    known = get_args(PermissionName)
    return next(name for name in (said.get("role_name"), said["permission"], "none") if name in known)
