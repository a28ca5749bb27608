from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from worktrees.mirror import Mirror

if TYPE_CHECKING:
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
