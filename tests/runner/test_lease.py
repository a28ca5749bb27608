from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from runner.lease import Lease
from runner.model import Lane

HOLDER = """
import pathlib, sys
from runner.database import Database
from runner.lease import Lease
from runner.model import Lane
with Database(pathlib.Path("."), sys.argv[1]) as database:
    lease = Lease(database, Lane("/repo", "killed", "preview"))
    assert lease.try_acquire()
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_at_a_time_has_the_lease_of_an_app(database):
    first, second = (
        Lease(database, Lane("/repo", "poster", "preview")),
        Lease(database, Lane("/repo", "poster", "preview")),
    )
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()
    second.release()


@pytest.mark.parametrize(("repo", "name"), [("/repo", "other"), ("/other", "poster")])
def test_other_apps_are_free_meanwhile(database, repo, name):
    first, second = Lease(database, Lane("/repo", "poster", "preview")), Lease(database, Lane(repo, name, "preview"))
    assert first.try_acquire()
    assert second.try_acquire()
    first.release()
    second.release()


def test_the_lease_of_a_killed_process_is_free_at_once(database, database_url):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, database_url], stdin=-1, stdout=-1, text=True)
    assert holder.stdout.readline() == "held\n"
    lease = Lease(database, Lane("/repo", "killed", "preview"))
    assert not lease.try_acquire()
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=10)
    while not lease.try_acquire():  # the server notices the closed socket within milliseconds
        pass
    lease.release()


def test_a_holder_whose_session_was_ended_finds_out_by_asking(database):
    lease = Lease(database, Lane("/repo", "cut", "preview"))
    assert lease.try_acquire()
    number = lease.connection.scalar(sa.text("SELECT pg_backend_pid()"))
    with database.begin() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:number)"), {"number": number})
    with pytest.raises(sa.exc.OperationalError):
        lease.connection.scalar(sa.text("SELECT 1"))
    lease.release()
    assert lease.try_acquire()
    lease.release()
