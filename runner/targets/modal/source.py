"""A copy of what is deployed, away from the checkout, of plain files alone."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SETTLED = 1_000_000_000
"""Modification time of every file, long ago: Modal's client refuses files that have changed since it began."""
UNSEEN = ("__pycache__", "report.json")
"""What an app does not upload; so it is no reason for a new version either. `sample.*` is another."""
LEFT_BEHIND = ("__pycache__", "variations")
"""Folders that no app needs: the second is what was tried with it."""


def copy_app(folder: Path, target: Path) -> Path:
    """Copy the app's folder, and the runtime beside it. Links and special files stay behind: they lead elsewhere.

    Returns:
        The copy's `app.py`.
    """
    shutil.rmtree(target, ignore_errors=True)
    for source in (folder, folder.with_name("shared")):
        if source.is_dir() and not source.is_symlink():
            _copy(source, target / source.name)
    return target / folder.name / "app.py"


def content_hash(folder: Path) -> str:
    """Of a copy: the same files under the same names make the same app."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _unseen(path.name):
            data = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode(errors="surrogatepass") + data)
    return digest.hexdigest()[:40]


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        if entry.name in LEFT_BEHIND:
            continue
        if entry.is_dir(follow_symlinks=False):
            _copy(source / entry.name, target / entry.name)
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, target / entry.name, follow_symlinks=False)
            os.utime(target / entry.name, (SETTLED, SETTLED))


def _unseen(name: str) -> bool:
    return name in UNSEEN or name.startswith("sample.")
