"""Alembic's entry point. It only ever runs online, on the connection that `runner.migrations.migrate` hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from runner.tables import SCHEMA, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
    compare_server_default=False,
)
context.run_migrations()
