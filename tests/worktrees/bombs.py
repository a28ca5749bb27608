"""Trees of git that nobody can list: a few objects, each many times in another."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LEVELS = 10


def tree(folder: Path, entries: Iterable[str]) -> str:
    done = subprocess.run(
        ["git", "mktree"], cwd=folder, check=True, capture_output=True, text=True, input="".join(entries)
    )
    return done.stdout.strip()


def blob(folder: Path, content: str) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        input=content,
    )
    return done.stdout.strip()


def bomb(folder: Path, inmost: str, name: str = "d") -> str:
    """Ten folders in ten folders, ten times: as many paths as there are people on earth, of ten objects."""
    for _ in range(LEVELS):
        inmost = tree(folder, [f"040000 tree {inmost}\t{name}{number}\n" for number in range(10)])
    return inmost
