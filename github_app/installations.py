"""The table `installation`: in whose accounts the App is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runner.tables import installation as table

if TYPE_CHECKING:
    from runner.database import Database


class Installations:
    """Reads and writes rows; the buckets in them belong to `github_app.github.pace`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(self, installation: int, account: str, state: Literal["active", "suspended", "removed"]) -> None:
        """Note how it is with one."""
        known = insert(table).values(id=installation, account=account, state=state)
        change = known.on_conflict_do_update(
            index_elements=["id"], set_={"account": account, "state": state, "updated_at": sa.func.now()}
        )
        with self._database.begin() as connection:
            connection.execute(change)
