"""The forge as a process of its own: prints its settings as one line of JSON, and runs until it is ended."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.forge.fixtures import furnish
from tests.forge.forge import Forge


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.forge", description=__doc__)
    parser.add_argument("--hook-url", help="where webhooks are sent (also later: POST /_forge/settings)")
    parser.add_argument("--folder", type=Path, help="where the repositories are kept (default: a temporary folder)")
    parser.add_argument(
        "--validate", action="store_true", help="hold the App's requests against GitHub's OpenAPI description"
    )
    options = parser.parse_args()
    openapi = None
    if options.validate:
        from tests.forge.openapi import github  # noqa: PLC0415 - a second that is not always wanted

        openapi = github()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    with (
        tempfile.TemporaryDirectory() as temporary,
        Forge(options.folder or Path(temporary), hook_url=options.hook_url, openapi=openapi) as forge,
    ):
        furnish(forge)
        sys.stdout.write(json.dumps(forge.settings()) + "\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    sys.exit(main())
