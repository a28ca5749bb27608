"""Why a reference comes to nothing, inside the package: people are told with `Unreadable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from github_app.submissions.model import Trouble


class Refusal(Exception):  # noqa: N818 - a step on the way to `Unreadable`
    """Something cannot be taken."""

    def __init__(self, kind: Trouble, why: str) -> None:
        super().__init__(why)
        self.kind: Trouble = kind
