from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.worktrees.smart_http import GitServer, serving
from worktrees.mirror import Mirror
from worktrees.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Place:
    """A person's repository, and the data folder of somebody who works on it."""

    repo: Path
    data: Path

    @property
    def mirror(self) -> Mirror:
        """A new object each time, as each process has its own."""
        return Mirror(self.data, self.repo)

    def git(self, *arguments: str) -> str:
        return git(self.repo, *arguments)

    def commit(self, path: str, content: str, message: str = "Change") -> str:
        (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (self.repo / path).write_text(content)
        self.git("add", "--", path)
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def state(self) -> tuple[str, ...]:
        """All that must not change behind a person's back."""
        return (
            self.git("status", "--porcelain", "--branch", "--ignored"),
            self.git("stash", "list"),
            self.git("diff"),
            self.git("diff", "--cached"),
            self.git("worktree", "list"),
            (self.repo / ".git/config").read_text(),
        )

    def leftovers(self) -> list[str]:
        found = [str(path) for path in (self.data / "worktrees").glob("*/*")]
        for mirror in (self.data / "mirrors").glob("*.git"):
            found += git(mirror, "worktree", "list").splitlines()[1:]
        return found


def make_place(folder: Path, name: str = "site") -> Place:
    repo = folder / name
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "config", "user.name", "A person")
    git(repo, "config", "user.email", "person@example.org")
    place = Place(repo, folder / "data")
    place.commit("index.html", "<h1>Ours</h1>\n", "Begin")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@dataclass
class Hub:
    """A repository behind smart HTTP, a person who pushes to it, and the data folder of somebody who works on it."""

    server: GitServer
    bare: Path
    person: Place
    data: Path

    def remote(self, token: Callable[[str | None], str] = lambda _refused: "ghs_right") -> Remote:
        return Remote(self.server.url("owner/site.git"), "github:7", "owner/site", token)

    @property
    def mirror(self) -> Mirror:
        return Mirror(self.data, self.remote())

    def git(self, *arguments: str) -> str:
        return git(self.bare, *arguments)

    def commit(self, path: str, content: str, *, branch: str = "main", message: str = "Change") -> str:
        """A person's commit, pushed."""
        there = self.person.git("branch", "--list", branch)
        self.person.git("switch", "--quiet", *(() if there else ("-c",)), branch)
        commit = self.person.commit(path, content, message)
        self.person.git("push", "--quiet", str(self.bare), f"+{branch}")
        return commit

    def grow(self, commits: int) -> None:
        """So many more commits on the base."""
        lines = []
        for number in range(commits):
            start = "from refs/heads/main^0\n" if number == 0 else ""
            lines.append(
                f"commit refs/heads/main\ncommitter A <a@b.c> {1700000000 + number} +0000\ndata 1\nx\n{start}"
                f"M 100644 inline grown.txt\ndata {len(str(number))}\n{number}\n"
            )
        for repo in (self.bare, self.person.repo):
            if repo != self.bare:
                git(repo, "switch", "--quiet", "--detach")
            subprocess.run(["git", "fast-import", "--quiet"], cwd=repo, input="".join(lines).encode(), check=True)
        self.person.git("switch", "--quiet", "main")

    def hook(self, name: str, script: str) -> None:
        path = self.bare / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)


def pushed(
    hub: Hub, run: str = "run_1", branch: str = "flowberth/poster", files: dict[str, bytes] | None = None
) -> str:
    """What a run does; its commit."""
    worktree = hub.mirror.open_worktree(run, branch, "main")
    worktree.write(files or {"apps/modal/poster/app.py": b"print()\n"})
    worktree.commit("Add poster", {"Flowberth-Run": run})
    head = worktree.push()
    worktree.remove()
    return head


@pytest.fixture
def hub(tmp_path: Path) -> Generator[Hub]:
    person = make_place(tmp_path, "person")
    bare = tmp_path / "served/owner/site.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(person.repo), str(bare))
    with serving(tmp_path / "served") as server:
        yield Hub(server, bare, person, tmp_path / "data")
