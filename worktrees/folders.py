"""Removing folders that somebody has made hard to remove, and measuring them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

BLOCK = 512
"""Bytes of a unit of `st_blocks`, on every system that has it."""


def remove_folder(path: Path) -> None:
    """Remove a folder with everything in it, read-only or not; none is fine. Links in it are removed, not followed.

    Raises:
        OSError: it still cannot be removed, such as files of another user.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=_insist)


def _insist(function: object, path: str, error: object) -> None:
    """Give ourselves what is needed, in the folder and above it, and try once more."""
    if isinstance(error, tuple) and isinstance(error[1], FileNotFoundError):
        return  # somebody else removes the same
    for place in (Path(path).parent, Path(path)):
        if not place.is_symlink() and place.exists():
            place.chmod(stat.S_IRWXU)
    if function in (os.scandir, os.open):
        shutil.rmtree(path)
    elif Path(path).is_dir() and not Path(path).is_symlink():
        Path(path).rmdir()
    else:
        Path(path).unlink(missing_ok=True)


def disk_bytes(path: Path) -> int:
    """What a folder takes on disk: blocks, and what is linked several times in it once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path, onerror=lambda _error: None):
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - a Path per file of a mirror is slow
            except OSError:
                continue  # removed meanwhile
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_blocks * BLOCK if hasattr(facts, "st_blocks") else facts.st_size
    return total
