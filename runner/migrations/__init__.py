"""Migrations of the schema `flowberth`, run by `runner.database` when a database is behind `runner.tables.HEAD`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

from runner.tables import HEAD

if TYPE_CHECKING:
    from sqlalchemy import Connection


def migration_config(connection: Connection) -> Config:
    """How alembic finds the migrations, and the connection they run on."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection) -> None:
    """Bring the schema to `HEAD`, inside the transaction that is open on `connection`."""
    command.upgrade(migration_config(connection), HEAD)
