"""Packages of npm that tests need, at the versions of a package-lock.json: here two that hold only data, GitHub's OpenAPI
description, and examples of webhooks.

Installed with `npm ci`, on first use, into a folder of the user's cache that is named by the lock file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import fasteners
from platformdirs import user_cache_path

_HERE = Path(__file__).parent
INSTALL_SECONDS = 300


def package(name: str) -> Path:
    """The folder of `@octokit/<name>`: "openapi" or "webhooks-examples"."""
    return modules(_HERE) / "@octokit" / name


def modules(wanted: Path) -> Path:
    """The folder of what a folder's package-lock.json names."""
    lock_file = (wanted / "package-lock.json").read_bytes()
    folder = user_cache_path("flowberth-tests") / f"npm-{hashlib.sha256(lock_file).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with fasteners.InterProcessLock(folder / "lock"):
            if not (folder / "complete").exists():
                _install(wanted, folder)
    return folder / "node_modules"


def _install(wanted: Path, folder: Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(wanted / file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
    (folder / "complete").touch()
