"""Measures what deploying to Modal costs this machine, with Modal's own time left out.

    uv run python benchmarks/deploys.py                  one app after the other, then 20 at once, in two workspaces
    uv run python benchmarks/deploys.py --at-once 40

Modal is the tests' stand-in, in a process of its own: it answers at once and builds nothing. The client, the processes
that deploy and what they upload are real. Seconds are from asking for a deployment to having its URL, read back. CPU is
that of all processes of this server; memory the most that those that deploy, or speak to Modal, had at one moment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # instead of this folder, where `codegen.py` hides the package

from runner.model import EngineChoice, RunId  # noqa: E402 - found through the path above
from runner.protocols import DeploymentSpec  # noqa: E402
from runner.targets.modal.accounts import ModalAccount, ModalAccounts  # noqa: E402
from runner.targets.modal.names import app_name, lane_tags  # noqa: E402
from runner.targets.modal.target import ModalTarget  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Generator

WORKSPACES = ("acme", "globex")
LOOK_SECONDS = 0.1
MEBI = 1024 * 1024


@dataclass
class Watched:
    """The most of each at any one moment."""

    deploying: int = 0
    memory: int = 0

    def look(self) -> None:
        """At all processes below this one."""
        deploying = memory = 0
        for process in psutil.Process().children(recursive=True):
            try:
                command = " ".join(process.cmdline())
                if "runner.targets.modal" in command:
                    deploying += "modal.deploying" in command and "modal.supervising" not in command
                    memory += process.memory_info().rss
            except psutil.Error:
                continue
        self.deploying, self.memory = max(self.deploying, deploying), max(self.memory, memory)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--one-by-one", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, stand_in(Path(temporary)) as settings:
        accounts = ModalAccounts(None, {name: account(name, settings) for name in WORKSPACES})
        target = ModalTarget(accounts, Path(temporary) / "data")
        singles = [deploy(target, spec(Path(temporary), f"single{number}")) for number in range(options.one_by_one)]
        specs = [spec(Path(temporary), f"app{number}") for number in range(options.at_once)]
        watched, before, began = Watched(), cpu_seconds(), time.monotonic()
        with watching(watched), ThreadPoolExecutor(options.at_once) as pool:
            many = [each.result() for each in [pool.submit(deploy, target, each) for each in specs]]
        seconds, used = time.monotonic() - began, cpu_seconds() - before
        urls = {target.ensure(each).url for each in specs if target.serves(each.run_id)}
        mixed = len(specs) - len(urls)
        target.close()
    print("| | |")
    print("|---|---|")
    print(f"| the first, with the process that speaks to Modal | {singles[0]:.1f} s |")
    print(f"| one after the other, median of {len(singles) - 1} | {median(singles[1:]):.1f} s |")
    print(f"| {options.at_once} at once, in two workspaces: all | {seconds:.1f} s |")
    print(f"| the longest of them, its wait counted | {max(many):.1f} s |")
    print(f"| CPU for each | {used / options.at_once:.1f} s |")
    print(f"| processes that deployed at one moment, most | {watched.deploying} |")
    print(f"| memory of all processes for Modal, most | {watched.memory / MEBI:.0f} MiB |")
    print(f"| not found in its own workspace with its own run and URL | {mixed} |")
    print(f"| load of this machine's {os.cpu_count()} cores at the end | {os.getloadavg()[0]:.1f} |")


@contextmanager
def stand_in(folder: Path) -> Generator[dict[str, Any]]:
    """The tests' Modal."""
    command = [sys.executable, "-m", "tests.modal", "--folder", str(folder / "modal")]
    workspaces = [part for name in WORKSPACES for part in ("--workspace", name)]
    process = subprocess.Popen([*command, *workspaces], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def watching(watched: Watched) -> Generator[None]:
    """Look now and then."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            watched.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def account(workspace: str, settings: dict[str, Any]) -> ModalAccount:
    """Of a login that is called like the workspace."""
    token = settings["workspaces"][workspace]
    return ModalAccount(
        key=f"login-{workspace}",
        source="the benchmark",
        token_id=SecretStr(token["token_id"]),
        token_secret=SecretStr(token["token_secret"]),
        server_url=settings["server_url"],
    )


def spec(folder: Path, name: str) -> DeploymentSpec:
    """A copy of the committed example, in one of the workspaces."""
    apps = folder / name / "apps" / "modal"
    for part in ("poster", "shared"):
        shutil.copytree(ROOT / "apps" / "modal" / part, apps / part, ignore=shutil.ignore_patterns("__pycache__"))
    owner = WORKSPACES[sum(name.encode()) % len(WORKSPACES)]
    return DeploymentSpec(
        run_id=RunId(f"run_{name}"),
        attempt=1,
        name=name,
        folder=apps / "poster",
        engine=EngineChoice(),
        app=app_name(name, environment="preview", pull=1),
        owner=owner,
        tags=lane_tags(f"{owner}/{name}", name, environment="preview", pull=1),
    )


def deploy(target: ModalTarget, wanted: DeploymentSpec) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    target.ensure(wanted)
    return time.monotonic() - began


def cpu_seconds() -> float:
    """Of this process and of all that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
