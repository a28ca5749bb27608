from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from runner.durable import RUN_PROTOCOL, Abandoned, Durability, step
from runner.model import RunId
from runner.records import new_run_id

KILLED_BETWEEN_STEPS = """
import os, pathlib, signal, sys, threading
from runner.database import Database
from runner.durable import Durability, step
database = Database(pathlib.Path(sys.argv[1]), sys.argv[2])
def body():
    step("first", lambda: {"from": "the killed process"})
    os.kill(os.getpid(), signal.SIGKILL)
Durability(database, pathlib.Path(sys.argv[1])).begin(sys.argv[3], body)
threading.Event().wait()
"""

BYSTANDER = """
import pathlib, sys
from runner.database import Database
from runner.durable import RUN_PROTOCOL, Durability
database = Database(pathlib.Path(sys.argv[1]), sys.argv[2])
durability = Durability(database, pathlib.Path(sys.argv[1]))
print(durability.can_go_on(sys.argv[3], RUN_PROTOCOL), flush=True)
sys.stdin.read()
durability.close()
"""


@pytest.fixture
def durability(database, tmp_path):
    durability = Durability(database, tmp_path)
    yield durability
    durability.close()


def run_until_killed(tmp_path, database_url, run_id) -> None:
    program = [sys.executable, "-c", KILLED_BETWEEN_STEPS, str(tmp_path), database_url, run_id]
    ended = subprocess.run(program, timeout=60, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout + ended.stderr == ""


def rest_of(run_id, durability) -> dict[str, object]:
    """What the steps return when the run goes on here."""
    seen: dict[str, object] = {}

    def body() -> None:
        seen["first"] = step("first", lambda: {"from": "here"})
        seen["second"] = step("second", lambda: {"from": "here"})

    durability.begin(run_id, body)()
    return seen


def test_a_run_goes_on_after_the_last_step_that_is_on_record(tmp_path, database_url, durability):
    run_id = new_run_id()
    run_until_killed(tmp_path, database_url, run_id)
    assert durability.can_go_on(run_id, RUN_PROTOCOL)
    assert rest_of(run_id, durability) == {"first": {"from": "the killed process"}, "second": {"from": "here"}}
    assert not durability.can_go_on(run_id, RUN_PROTOCOL)


def test_a_resumed_run_is_carried_out_by_the_process_that_resumed_it(tmp_path, database_url, durability):
    run_id = new_run_id()
    run_until_killed(tmp_path, database_url, run_id)
    program = [sys.executable, "-c", BYSTANDER, str(tmp_path), database_url, run_id]
    bystanders = [subprocess.Popen(program, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    for bystander in bystanders:  # launched, and so polling for work, but with nothing to do
        assert bystander.stdout.readline() == "True\n"
    assert rest_of(run_id, durability)["second"] == {"from": "here"}
    for bystander in bystanders:
        assert bystander.communicate(timeout=30) == ("", "")
        assert bystander.returncode == 0


def test_a_run_of_another_order_of_steps_cannot_go_on(durability):
    assert not durability.can_go_on(new_run_id(), "0")
    assert durability.can_go_on(new_run_id(), RUN_PROTOCOL)


def test_a_forgotten_run_cannot_go_on(tmp_path, database_url, durability):
    run_id = new_run_id()
    run_until_killed(tmp_path, database_url, run_id)
    durability.forget(run_id)
    durability.forget(RunId("run_never_begun"))
    assert not durability.can_go_on(run_id, RUN_PROTOCOL)


def test_an_abandoned_run_stays_as_it_is_on_record(durability):
    run_id = new_run_id()
    left = threading.Event()

    def body() -> None:
        step("first", lambda: {"from": "before"})
        try:
            step("second", abandon)
        finally:
            left.set()

    def abandon() -> dict[str, object]:
        raise Abandoned

    durability.begin(run_id, body)
    assert left.wait(10)
    assert rest_of(run_id, durability) == {"first": {"from": "before"}, "second": {"from": "here"}}


def test_what_is_stored_is_json(database, durability):
    run_id = new_run_id()
    rest_of(run_id, durability)
    with database.begin() as connection:
        query = sa.text("SELECT output, serialization FROM dbos.operation_outputs WHERE workflow_uuid = :id ORDER BY 1")
        rows = connection.execute(query, {"id": run_id}).all()
    assert [tuple(row) for row in rows] == [('{"from":"here"}', "portable_json")] * 2


def test_the_engine_leaves_no_queue_behind_and_can_be_launched_again(database, tmp_path):
    def queues() -> set[str]:
        with database.begin() as connection:
            return set(connection.execute(sa.text("SELECT name FROM dbos.queues")).scalars())

    first = Durability(database, tmp_path)
    rest_of(new_run_id(), first)
    first.close()
    before = queues()
    for _ in range(2):
        durability = Durability(database, tmp_path)
        rest_of(new_run_id(), durability)
        assert len(queues() - before) == 1
        durability.close()
        durability.close()
        assert queues() == before
