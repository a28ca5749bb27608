"""Postgres: a server of one's own by URL, else the embedded one in the data folder. Same code, same SQL."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from runner import embedded_postgres
from runner.errors import DatabaseUnavailable
from runner.log import log_to_file
from runner.tables import HEAD, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from types import TracebackType

DATABASE_NAME = "flowberth"
"""On the embedded server; a URL names its own."""
CONNECT_TIMEOUT_SECONDS = 10
MAX_OVERFLOW = 40
"""Connections of one process beyond the five it keeps: every thread of a busy worker may hold one. Postgres takes a
hundred unless told otherwise."""
STARTING_PATIENCE_SECONDS = 30.0
"""A Postgres that was killed replays its log before it accepts connections."""
MIGRATION_LOCK = 0x464C4F57
"""Key of the advisory lock under which migrations run: `FLOW` in ASCII."""


class Database:
    """Opened on first use, so that a command that needs no database starts none. Safe to use from several threads."""

    def __init__(self, data_dir: Path, url: str | None = None) -> None:
        """`url`: of a PostgreSQL server (`postgres://` and `postgresql://` are the same); `None` for the embedded one.

        Raises:
            DatabaseUnavailable: `url` is no PostgreSQL URL.
        """
        self._data_dir = data_dir
        self._folder = data_dir / "postgres"
        self._given = None if url is None else _parse(url)
        self._guard = threading.RLock()
        self._closed = False

    @property
    def embedded(self) -> bool:
        """Whether it is the one in the data folder."""
        return self._given is None

    @property
    def place(self) -> str:
        """Where it is, in words, without the password."""
        return f"embedded Postgres in {self._folder}" if self._given is None else self._given.render_as_string()

    @property
    def url(self) -> sa.URL:
        """Of the database, ready for use.

        Raises:
            DatabaseUnavailable: it cannot be reached or started.
        """
        return self.engine.url

    @property
    def engine(self) -> sa.Engine:
        """Connections to the database, whose schema is up to date.

        Raises:
            DatabaseUnavailable: it cannot be reached or started.
        """
        with self._guard:
            if self._closed:
                raise DatabaseUnavailable("the database has been closed")
            return self._engine

    @cached_property
    def _engine(self) -> sa.Engine:
        if self._given is not None:
            return self._connect(self._given)
        log_to_file(self._data_dir)
        server = embedded_postgres.enter(self._folder)
        try:
            return self._connect(_ensure_database(server))
        except BaseException:
            embedded_postgres.leave(self._folder)
            raise

    def _connect(self, url: sa.URL) -> sa.Engine:
        engine = sa.create_engine(
            url,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "flowberth"},
            max_overflow=MAX_OVERFLOW,
            pool_pre_ping=True,  # a server that was restarted meanwhile is no reason to fail
        )
        try:
            _ensure_schema(engine)
        except OperationalError as error:
            engine.dispose()
            raise DatabaseUnavailable(
                f"cannot reach PostgreSQL at {url.render_as_string()}: {_plain(error)}. "
                "Check FLOWBERTH_DATABASE_URL (or DATABASE_URL), or unset it to use the embedded Postgres."
            ) from None
        except BaseException:
            engine.dispose()
            raise
        return engine

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """One transaction.

        Raises:
            DatabaseUnavailable: the connection cannot be had, or was lost on the way.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise DatabaseUnavailable(f"lost PostgreSQL ({self.place}): {_plain(error)}") from None

    def close(self) -> None:
        """Let go of the database; the embedded server stops when its last user has gone. Idempotent."""
        with self._guard:
            if not self._closed and "_engine" in self.__dict__:
                self._engine.dispose()
                if self.embedded:
                    embedded_postgres.leave(self._folder)
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _parse(url: str) -> sa.URL:
    scheme, separator, rest = url.strip().partition("://")
    family = scheme.partition("+")[0]
    if family not in ("postgres", "postgresql") or not separator:
        raise DatabaseUnavailable(
            "the database URL must look like postgresql://user:password@host:5432/database; "
            f"this one starts with {family[:20]!r}"
        )
    try:
        return sa.make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        # The original message would quote the URL, password and all.
        raise DatabaseUnavailable("the database URL cannot be parsed; a password must be percent-encoded") from None


def _ensure_database(server: sa.URL) -> sa.URL:
    """Find or make our database on the embedded server."""
    url = server.set(database=DATABASE_NAME)
    admin = sa.create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    deadline = time.monotonic() + STARTING_PATIENCE_SECONDS
    while True:
        try:
            with admin.connect() as connection:
                # Two first users at once: a lock on the server is simpler than telling the losers' errors apart.
                connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
                known = sa.text("SELECT 1 FROM pg_database WHERE datname = :name")
                if connection.scalar(known, {"name": DATABASE_NAME}) is None:
                    connection.execute(sa.text(f"CREATE DATABASE {DATABASE_NAME}"))
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"the embedded Postgres does not answer: {_plain(error)}") from None
            time.sleep(0.1)
        else:
            return url


def _ensure_schema(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        if _schema_version(connection) == HEAD:
            return
    from runner.migrations import migrate  # noqa: PLC0415 - alembic is slow to import and seldom needed

    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        migrate(connection)


def _schema_version(connection: sa.Connection) -> str | None:
    try:
        with connection.begin_nested():
            return connection.scalar(sa.text(f"SELECT version_num FROM {SCHEMA}.alembic_version"))  # noqa: S608 - a constant
    except ProgrammingError:  # no such table yet
        return None


def _plain(error: OperationalError) -> str:
    return " ".join(str(error.orig).split())
