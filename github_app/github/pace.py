"""How fast an installation may write, shared by all processes through the table `installation`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from runner.database import Database


class Pace:
    """Leaky buckets per installation, and what GitHub itself has said about waiting."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit_read(self, installation: int) -> None:
        """Go on at once.

        Raises:
            Busy: GitHub has asked this installation to wait.
        """
        raise NotImplementedError

    def admit_write(self, installation: int, *, creates: bool = False) -> None:
        """Reserve one write, and wait for it if that is short. `creates`: people are notified of it.

        Raises:
            Busy: the wait would be longer than `LONGEST_WAIT_SECONDS`, or GitHub has asked to wait.
        """
        raise NotImplementedError

    def block(self, installation: int, until: datetime) -> None:
        """Let nobody ask anything for this installation before `until`."""
        raise NotImplementedError
