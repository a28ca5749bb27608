"""Lookups for a machine without a network, or for people who want none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.facts import Facts

if TYPE_CHECKING:
    from codegen.facts import Wanted


class Offline:
    """Knows nothing, and asks nobody."""

    def look_up(self, wanted: Wanted) -> Facts:
        """No facts."""
        return Facts(offline=not wanted.empty)
