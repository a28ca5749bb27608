"""`python -m runner.stand_in --port 8188 --core 0.33.0`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from codegen.catalog import Catalog, load_catalog, packaged_versions
from runner.stand_in.announce import announce
from runner.stand_in.app import stand_in_app
from runner.stand_in.files import Files

if TYPE_CHECKING:
    from types import FrameType

STOP_SECONDS = 1
"""For open connections when it is asked to stop: there is nothing to lose."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m runner.stand_in", description="Stand in for ComfyUI.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", required=True, metavar="VERSION", help="ComfyUI version to stand in for")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder for files; by default one that is removed")
    given = parser.parse_args()
    # uvicorn raises the signal again when it has shut down; as an exception it lets the folder be removed first.
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="flowberth-stand-in-", ignore_cleanup_errors=True) as temporary:
        files = Files((given.data or Path(temporary)).resolve())
        config = uvicorn.Config(
            stand_in_app(nearest_catalog(given.core), given.core, files),
            host=given.host,
            port=given.port,
            loop="asyncio",  # as ComfyUI's
            log_level="warning",
            timeout_graceful_shutdown=STOP_SECONDS,
            ws_max_size=64 << 20,
        )
        _Announced(config).run()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def nearest_catalog(version: str) -> Catalog:
    """The oldest catalog that ships and is not older than `version`; the newest, if all are."""
    versions = packaged_versions()
    return load_catalog(next((known for known in versions if _key(known) >= _key(version)), versions[-1]))


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


class _Announced(uvicorn.Server):
    """Says what ComfyUI says when it listens."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - sockets are none here
        del sockets
        await super().startup()
        if self.started:
            announce(f"To see the GUI go to: http://{self.config.host}:{self.config.port}")


if __name__ == "__main__":
    main()
