"""The stand-in engine as a process, for tests that need an engine."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END_SECONDS = 10


@contextmanager
def stand_in(core: str = "0.33.0", data: Path | None = None) -> Iterator[str]:
    """Its URL, once it says that it listens; it must end when it is asked to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "runner.stand_in", "--port", str(port), "--core", core]
    command += ["--data", str(data)] if data else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == f"To see the GUI go to: http://127.0.0.1:{port}\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=END_SECONDS)
