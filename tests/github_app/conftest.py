"""The command line as people meet it, in this process (quick) or in one of its own (real)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from github_app.cli.program import app

STORY_SECONDS = 120
"""Longer than any command takes here on a busy machine; a story that hangs must not hang the suite."""


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def environment(data_dir: Path, tmp_path: Path) -> dict[str, str]:
    """Nothing of the machine's own settings, but its PATH."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "FLOWBERTH_DATA_DIR": str(data_dir),
        "COLUMNS": "80",
        "FLOWBERTH_OFFLINE": "1",
    }


@pytest.fixture
def flowberth(environment: dict[str, str]) -> Callable[..., Said]:
    """Runs a command in this process."""

    def run(*args: str | Path, stdin: bytes | None = None, **settings: str) -> Said:
        hidden = dict.fromkeys(name for name in os.environ if name.startswith(("FLOWBERTH_", "DATABASE_", "MODAL_")))
        done = CliRunner().invoke(
            app,
            [str(arg) for arg in args],
            input=stdin,
            env={**hidden, **environment, **settings},
            catch_exceptions=False,
        )
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def flowberth_process(environment: dict[str, str], tmp_path: Path) -> Callable[..., Said]:
    """Runs the real script in a process of its own."""

    def run(*args: str | Path, cwd: Path = tmp_path, stdin: bytes | None = None, **settings: str) -> Said:
        script = Path(sys.executable).with_name("flowberth")
        done = subprocess.run(
            [script, *args],
            cwd=cwd,
            env={**environment, **settings},
            input=stdin,
            capture_output=True,
            timeout=STORY_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
