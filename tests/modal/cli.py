"""What the tests do with the stand-in: Modal's own command line, as the product runs it, and patience."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

APPS = Path(__file__).parents[2] / "apps/modal"
SECONDS = 60
LOOK_SECONDS = 0.01


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


def until(condition: Callable[[], object]) -> None:
    """Wait for it."""
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(LOOK_SECONDS)
