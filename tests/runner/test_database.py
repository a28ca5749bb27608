from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from runner.database import Database
from runner.errors import DatabaseUnavailable
from runner.migrations import migration_config
from runner.tables import HEAD, SCHEMA, metadata

HOLDER = """
import sys
from pathlib import Path
from runner.database import Database
with Database(Path(sys.argv[1])) as database:
    database.engine
    print("open", flush=True)
    sys.stdin.read()
"""


def hold(data: Path) -> subprocess.Popen[str]:
    """Another process that uses the embedded server until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def postmasters(data: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and "-D" in process.info["cmdline"]
        and str(data) in " ".join(process.info["cmdline"])
    ]


@pytest.mark.long
def test_the_last_process_that_leaves_stops_the_embedded_server(tmp_path):
    first, second = hold(tmp_path), hold(tmp_path)
    leave(first)
    assert len(postmasters(tmp_path)) == 1
    leave(second)
    assert postmasters(tmp_path) == []


def test_a_killed_process_does_not_keep_the_embedded_server_alive(tmp_path):
    killed = hold(tmp_path)
    kill(killed)
    assert len(postmasters(tmp_path)) == 1  # nobody was left to stop it
    leave(hold(tmp_path))
    assert postmasters(tmp_path) == []


@pytest.mark.long
def test_a_server_that_was_killed_itself_is_started_again(tmp_path):
    leave(hold(tmp_path))
    holder = hold(tmp_path)
    for process in postmasters(tmp_path):
        process.kill()
    kill(holder)
    with Database(tmp_path) as database, database.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.long
def test_one_that_was_started_again_by_another_process_stops_with_its_last_user(tmp_path):
    first = hold(tmp_path)
    (postmaster,) = postmasters(tmp_path)
    postmaster.kill()
    psutil.wait_procs([postmaster, *postmaster.children()], 30)
    second = hold(tmp_path)
    leave(second)
    assert len(postmasters(tmp_path)) == 1
    leave(first)
    assert postmasters(tmp_path) == []


@pytest.mark.long
def test_the_number_of_a_process_that_is_no_postgres_does_not_pass_for_the_server(tmp_path):
    leave(hold(tmp_path))
    ours = f"{os.getpid()}\n{tmp_path}/postgres\n1700000000\n5432\n{tmp_path}/postgres\n\n  1  1\nready\n"
    (tmp_path / "postgres" / "postmaster.pid").write_text(ours)
    with Database(tmp_path) as database, database.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


def test_two_databases_in_one_process_share_the_server_and_the_last_stops_it(tmp_path):
    first, second = Database(tmp_path), Database(tmp_path)
    assert first.url == second.url
    first.close()
    with second.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    second.close()
    second.close()
    assert postmasters(tmp_path) == []
    with pytest.raises(DatabaseUnavailable, match="closed"):
        _ = second.engine


def test_nothing_is_started_before_it_is_used(tmp_path):
    Database(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_migrations_make_exactly_the_tables_that_the_code_uses(database):
    def ours(item, name, kind, reflected, compare_to):
        return kind != "table" or name != "alembic_version"

    with database.begin() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
            "include_object": ours,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert ScriptDirectory.from_config(migration_config(connection)).get_current_head() == HEAD


def test_first_users_at_the_same_time_migrate_once(tmp_path, postgres):
    with sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as connection:
        connection.execute(sa.text("CREATE DATABASE crowded"))
    url = postgres.set(database="crowded").render_as_string(hide_password=False)
    program = (
        "import sys, pathlib; from runner.database import Database; Database(pathlib.Path('.'), sys.argv[1]).engine"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", program, url], cwd=Path.cwd()) for _ in range(3)]
    assert [process.wait(timeout=60) for process in crowd] == [0, 0, 0]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_a_postgres_url_is_understood(tmp_path, database_url, scheme):
    url = scheme + "://" + database_url.partition("://")[2]
    with Database(tmp_path, url) as database, database.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://me:hunter2@db/x", "starts with 'mysql'"),
        ("hunter2", "must look like postgresql://"),
        ("postgresql://me:hunter2@db:port/x", "cannot be parsed"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_way_out_and_without_the_password(tmp_path, url, message):
    with pytest.raises(DatabaseUnavailable, match=message) as caught:
        Database(tmp_path, url)
    assert "hunter2" not in str(caught.value).replace("starts with 'hunter2'", "")


def test_a_server_that_does_not_answer_is_told_with_the_way_out_and_without_the_password(tmp_path):
    with (
        Database(tmp_path, "postgres://me:hunter2@127.0.0.1:1/x") as database,
        pytest.raises(DatabaseUnavailable) as caught,
    ):
        _ = database.engine
    message = str(caught.value)
    assert "hunter2" not in message
    assert "127.0.0.1:1" in message
    assert "FLOWBERTH_DATABASE_URL" in message


@pytest.mark.long
def test_a_folder_with_spaces_and_quotes_is_as_good(tmp_path):
    with Database(tmp_path / "Application Support" / "somebody's") as database, database.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", 'a"b', "back\\slash"])
def test_a_folder_that_a_shell_would_obey_is_refused(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseUnavailable, match="FLOWBERTH_DATA_DIR"), Database(tmp_path / name) as database:
        assert database.engine
    assert not (tmp_path / "pwned").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root is Postgres another user, who has to get there")
def test_a_closed_folder_stays_closed_to_all_but_those_who_pass(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with Database(home / "data") as database, database.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
        assert home.stat().st_mode & 0o777 == 0o711, "nobody else may list it"
