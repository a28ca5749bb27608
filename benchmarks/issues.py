"""From an issue to a pull request that is ready for review: one issue after the other, and thirty at once.

`python benchmarks/issues.py [--at-once 30] [--one-by-one 3]` starts the forge of the tests and `flowberth serve`, each
as processes of its own, with the embedded Postgres, the local target and the stand-in engine. It measures what a person
waits for: from the moment the issue is opened until its pull request is no draft any more and its label says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # instead of this folder, where `codegen.py` hides the package

from runner.model import RunId  # noqa: E402 - found through the path above
from runner.targets.local import LocalTarget  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Generator

SCRIPT = Path(sys.executable).with_name("flowberth")
WORKFLOW = json.loads((ROOT / "examples" / "poster.json").read_text())
REPO = "/repos/acme/site"
LOOK_SECONDS = 1.0
"""Between two looks at the pull requests."""
PATIENCE_SECONDS = 900.0
PAGE = 100
KIBI = 1024


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=30)
    parser.add_argument("--one-by-one", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, running(Path(temporary)) as client:
        singles: list[float] = []
        for _ in range(options.one_by_one):
            began = time.monotonic()
            open_issue(client, len(singles) + 1)
            wait_until_ready(client, len(singles) + 1)
            singles.append(time.monotonic() - began)
        disk = Disk(Path(temporary) / "data" / "worktrees")
        began = time.monotonic()
        for index in range(options.at_once):
            open_issue(client, 100 + index)
        opened = time.monotonic() - began
        with disk.watched():
            wait_until_ready(client, options.one_by_one + options.at_once)
        took = time.monotonic() - began
    one, many = "one issue, until its pull request is ready", f"{options.at_once} issues at once, until the last is"
    print(f"{one:50} {statistics.median(singles):8.1f} s median of {len(singles)}")
    print(f"{many:50} {took:8.1f} s (opened in {opened:.1f} s)")
    print(f"{'worktrees at the same time, at most':50} {disk.most:8d}")
    print(f"{'disk of one worktree, at most':50} {disk.largest / KIBI:8.0f} KiB")


def open_issue(client: httpx.Client, number: int) -> None:
    """A workflow of its own, pasted."""
    workflow = {**WORKFLOW, "id": f"benchmark-{number}"}
    body = f"### Workflow\n\n```json\n{json.dumps(workflow)}\n```\n\n### Name\n\nposter-n{number}\n"
    client.post(f"{REPO}/issues", json={"title": f"Poster {number}", "body": body}).raise_for_status()


def wait_until_ready(client: httpx.Client, count: int) -> None:
    """Until so many pull requests are ready for review."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        pulls: list[dict[str, Any]] = client.get(f"{REPO}/pulls", params={"per_page": PAGE}).json()
        ready = [
            pull
            for pull in pulls
            if not pull["draft"] and [label["name"] for label in pull["labels"]] == ["flowberth:ready"]
        ]
        if len(ready) >= count:
            return
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"{count} pull requests were not ready within {PATIENCE_SECONDS:.0f} s")


class Disk:
    """What worktrees take while runs go on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self.most = 0
        self.largest = 0

    @contextmanager
    def watched(self) -> Generator[None]:
        """Look again and again meanwhile."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            trees = [tree for mirror in _entries(self._folder) for tree in _entries(mirror) if tree.is_dir()]
            self.most = max(self.most, len(trees))
            self.largest = max([self.largest, *(_size(tree) for tree in trees[:1])])


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # it went while we looked
        return []


def _size(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:
                continue
    return total


@contextmanager
def running(folder: Path) -> Generator[httpx.Client]:
    """A forge and a server; the client of a person with write permission."""
    with _process([sys.executable, "-m", "tests.forge", "--folder", str(folder / "forge")], {}, folder) as forge:
        key = folder / "key.pem"
        key.write_text(forge["private_key"])
        settings = {
            "FLOWBERTH_DATA_DIR": str(folder / "data"),
            "FLOWBERTH_GITHUB_API_URL": forge["api_url"],
            "FLOWBERTH_GITHUB_APP_ID": str(forge["app_id"]),
            "FLOWBERTH_GITHUB_PRIVATE_KEY_FILE": str(key),
            "FLOWBERTH_GITHUB_WEBHOOK_SECRET": forge["webhook_secret"],
            "FLOWBERTH_OFFLINE": "1",
        }
        with _process([str(SCRIPT), "serve", "--port", "0", "--json"], settings, folder) as server:
            headers = {"authorization": f"Bearer {forge['tokens']['bob']}"}
            with httpx.Client(base_url=forge["api_url"], headers=headers, timeout=60, trust_env=False) as client:
                hook = f"{server['url']}/webhooks/github"
                control = {"hook_url": hook, "enforce_limits": True}  # of requests a minute, as GitHub has them
                client.post(f"{forge['web_url']}/_forge/settings", json=control).raise_for_status()
                yield client
        target = LocalTarget(folder / "data")
        for deployment in _entries(folder / "data" / "deployments"):
            target.stop(RunId(deployment.name))


@contextmanager
def _process(command: list[str], settings: dict[str, str], folder: Path) -> Generator[dict[str, Any]]:
    """A process that says in one line of JSON that it is ready."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    main()
