"""Worker processes: kept alive, ended with the server, never left behind."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from github_app.server import workers
from github_app.server.workers import Workers
from tests.github_app.server.served import PATIENCE_SECONDS, until

ENDS_WHEN_TOLD = """
import pathlib, signal, sys, threading, os
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
told.wait()
pathlib.Path(sys.argv[1], f"{os.getpid()}.ended").touch()
"""
NEVER_ENDS = ENDS_WHEN_TOLD.replace("lambda *_: told.set()", "signal.SIG_IGN")
WITH_LIFELINE = """
import pathlib, sys, threading, os
from github_app.server.workers import end_with_parent
end_with_parent(grace=60)
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
threading.Event().wait()
"""

SERVER = """
import sys
from github_app.server.workers import Workers
Workers(2, [sys.executable, "-c", *sys.argv[1:]]).start()
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Callable[..., Workers]]:
    made: list[Workers] = []

    def make(count: int, script: str = ENDS_WHEN_TOLD, **options: float) -> Workers:
        made.append(Workers(count, [sys.executable, "-c", script, str(tmp_path)], **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def came_up(folder: Path, count: int) -> set[int]:
    """Ids of the workers that have come up, once there are so many."""
    names = until(
        lambda: (found := [path.name for path in folder.iterdir() if path.name.isdigit()])[count - 1 :] and found
    )
    return {int(name) for name in names}


def test_they_are_started_and_told_to_end(team: Callable[..., Workers], tmp_path: Path) -> None:
    workers_ = team(3)
    pids = came_up(tmp_path, 3)
    assert set(workers_.pids()) == pids
    workers_.stop()
    assert workers_.pids() == ()
    assert {path.name for path in tmp_path.glob("*.ended")} == {f"{pid}.ended" for pid in pids}


def test_one_that_dies_is_started_again(team: Callable[..., Workers], tmp_path: Path) -> None:
    workers_ = team(2)
    first = came_up(tmp_path, 2)
    dies = min(first)
    psutil.Process(dies).kill()
    assert len(came_up(tmp_path, 3) - first) == 1
    until(lambda: len(workers_.pids()) == 2)
    assert dies not in workers_.pids()


def test_one_that_cannot_start_is_not_started_in_a_hurry(
    team: Callable[..., Workers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FIRST_PAUSE_SECONDS", 0.1)
    team(1, f"import pathlib, time; pathlib.Path({str(tmp_path)!r}, str(time.time_ns())).touch()")
    times = sorted(came_up(tmp_path, 4))
    pauses = [(after - before) / 1e9 for before, after in pairwise(times)]
    assert pauses[0] >= 0.1
    assert pauses[2] >= 0.4


def test_one_that_does_not_end_is_killed(team: Callable[..., Workers], tmp_path: Path) -> None:
    workers_ = team(1, NEVER_ENDS, grace=0.5)
    (pid,) = came_up(tmp_path, 1)
    workers_.stop()
    assert not psutil.pid_exists(pid)


def test_a_server_that_is_killed_takes_its_workers_along(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, WITH_LIFELINE, str(tmp_path)])
    pids = came_up(tmp_path, 2)
    server.send_signal(signal.SIGKILL)
    server.wait(PATIENCE_SECONDS)
    until(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    """A zombie that nobody has fetched is dead."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
