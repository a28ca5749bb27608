"""What every test gets: no way out of this machine, and a real Postgres for those that ask for one."""

from __future__ import annotations

import gc
import ipaddress
import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from runner.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator


# Hundreds of processes import the same; a machine that keeps no bytecode would compile it again in each.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

FIRST = ("tests/stories/", "tests/house/test_checks.py")
"""What takes longest: stories wait most of the time, beside which others can work, and the type checker is one process."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))  # keeps the order otherwise


def pytest_collection_finish() -> None:
    gc.freeze()  # what is there now stays to the end, and is no garbage to look for


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine: nothing is fetched, and nothing is paid for, by a test."""


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a unix socket's address is a path
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host is not None and not _is_loopback(host):
        raise NetworkBlockedError(f"{event} {host!r}")


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


# An audit hook also sees what libraries do in their own ways; it cannot be removed, and need not be.
sys.addaudithook(_stay_here)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.URL]:
    """The embedded Postgres, started once per test process. The URL of its server."""
    with Database(tmp_path_factory.mktemp("data")) as database:
        admin = sa.create_engine(database.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with admin.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no machine loses its power in a test
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield database.url


@pytest.fixture(scope="module")
def database_url(postgres: sa.URL) -> str:
    """A database of the module's own on that server, as somebody else's server would be given."""
    name = f"test_{secrets.token_hex(8)}"
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return postgres.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """That database, opened."""
    with Database(tmp_path_factory.getbasetemp(), database_url) as opened:
        yield opened
