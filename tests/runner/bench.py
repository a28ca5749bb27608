"""A place where processes do things with runs, are killed, and are looked after."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.runner.driver import Order, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

POSTER = json.dumps(
    {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "poster"}},
    }
)
OTHER = POSTER.replace("64", "128")
PATIENCE_SECONDS = 60
"""For a condition, and for a process that says nothing: one that comes forward is waited for, however slow the machine."""

# Processes of their own, forked from one that has imported everything: as real as any, but there in no time.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["tests.runner.driver", "runner.endpoint_tests", "httpcore", "alembic.command", "runner.migrations"]
)


def git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@dataclass
class Running:
    """A process that carries out one order."""

    process: BaseProcess
    line: Connection
    out: Path
    err: Path
    journal: Path
    """Where it says how far it has come."""

    def paused(self) -> Running:
        """Wait until it has come to the event at which it pauses."""
        assert self.line.poll(PATIENCE_SECONDS), self.err.read_text()
        assert self.line.recv() == "paused", self.err.read_text()
        return self

    def go_on(self) -> None:
        self.line.send("go on")

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)

    def result(self) -> Any:
        """What it printed; it must have ended well and said nothing else."""
        assert self.ended() == 0, self.err.read_text()
        assert self.err.read_text() == ""
        return json.loads(self.out.read_text())

    def complaint(self) -> str:
        """What it said on its way out; it must have ended badly, but not been killed."""
        assert self.ended() == 1
        return self.err.read_text()

    def ended(self) -> int | None:
        said = -1
        while self.process.exitcode is None and said != (now := self._said()):
            said = now
            self.process.join(PATIENCE_SECONDS)
        return self.process.exitcode

    def _said(self) -> int:
        return self.journal.stat().st_size if self.journal.exists() else 0


@dataclass
class Bench:
    """A folder with a repository and a data folder."""

    folder: Path
    database_url: str | None
    started: list[Running] = field(default_factory=list)

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    def start(self, what: str, **order: Any) -> Running:
        number = len(self.started)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        ours, theirs = _processes.Pipe()
        whole = Order(
            what=what, folder=self.folder, database_url=self.database_url, **{"workflow": POSTER, **order}
        ).model_dump_json()
        process = _processes.Process(target=drive, args=(whole, theirs, str(out), str(err)), daemon=True)
        process.start()
        theirs.close()
        self.started.append(Running(process, ours, out, err, self.folder / "journal"))
        return self.started[-1]

    def close(self) -> None:
        """End what a failed test has left running."""
        for running in self.started:
            running.process.kill()
            running.process.join(PATIENCE_SECONDS)
            running.line.close()

    def do(self, what: str, **order: Any) -> Any:
        return self.start(what, **order).result()

    def do_until_killed(self, what: str, **order: Any) -> None:
        running = self.start(what, **order)
        assert running.ended() == -signal.SIGKILL, running.err.read_text()
        assert running.out.read_text() + running.err.read_text() == ""

    def runs(self) -> list[dict[str, Any]]:
        """The runs of this bench's repository, newest first."""
        return [run for run in self.do("list") if run["repo"] == str(self.repo)]

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline

    def journal(self) -> list[str]:
        """The events so far, without the run's id."""
        file = self.folder / "journal"
        return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []

    def pulls(self) -> list[dict[str, Any]]:
        file = self.folder / "pulls.json"
        return json.loads(file.read_text()) if file.exists() else []

    def branches(self) -> list[str]:
        return git(self.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def heads(self) -> list[str]:
        """The commits that the branches are at."""
        return git(self.repo, "for-each-ref", "--format=%(objectname)", "refs/heads").split()

    def commits(self, branch: str) -> list[str]:
        """Subjects, oldest first, of what the branch adds."""
        return git(self.repo, "log", "--reverse", "--format=%s", f"main..{branch}").splitlines()

    def leftovers(self) -> list[str]:
        """Worktrees and processes that nobody will look after any more."""
        found = [str(path) for path in (self.folder / "data" / "worktrees").glob("*/*")]
        for mirror in (self.folder / "data" / "mirrors").glob("*.git"):
            found += git(mirror, "worktree", "list").splitlines()[1:]
        return found + [str(process) for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            places = [*process.cmdline(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        return any(str(self.folder) in place for place in places)


@contextmanager
def make_bench(folder: Path, database_url: str | None) -> Iterator[Bench]:
    """With a repository of one commit; on the embedded database of its own data folder without a URL."""
    bench = Bench(folder, database_url)
    bench.repo.mkdir()
    git(bench.repo, "init", "--quiet", "--initial-branch=main")
    (bench.repo / "README.md").write_text("A repository of somebody's.\n")
    git(bench.repo, "add", ".")
    git(bench.repo, "-c", "user.name=Somebody", "-c", "user.email=some@body", "commit", "--quiet", "-m", "Begin")
    try:
        yield bench
    finally:
        bench.close()
