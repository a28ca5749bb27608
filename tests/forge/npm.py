"""Two packages of npm that hold only data, at the versions of package-lock.json: GitHub's OpenAPI description, and examples of webhooks.

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
    lock_file = (_HERE / "package-lock.json").read_bytes()
    folder = user_cache_path("flowberth-tests") / f"npm-{hashlib.sha256(lock_file).hexdigest()[:16]}"
    found = folder / "node_modules" / "@octokit" / name
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with fasteners.InterProcessLock(folder / "lock"):
            if not (folder / "complete").exists():
                _install(folder)
    return found


def _install(folder: Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(_HERE / file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
    (folder / "complete").touch()
