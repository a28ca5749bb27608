"""Modal's own command line, in a process of its own, as the product runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

APPS = Path(__file__).parents[2] / "apps/modal"
SECONDS = 60


def modal(environment: Mapping[str, str], *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`python -m modal …` against the bed whose environment it is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODAL_")}
    return subprocess.run(
        [sys.executable, "-m", "modal", *map(str, arguments)],
        env=kept | dict(environment) | more,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def copy_of_poster(folder: Path) -> Path:
    """The committed example, to be changed: its `app.py`."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(APPS / "poster", folder / "apps/modal/poster", ignore=ignored)
    shutil.copytree(APPS / "shared", folder / "apps/modal/shared", ignore=ignored)
    return folder / "apps/modal/poster/app.py"
