"""The stand-in for Modal as a process of its own: prints how to reach it as one line of JSON, and runs until it is ended."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.modal.bed import ModalBed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.modal", description=__doc__)
    parser.add_argument("--folder", type=Path, help="for volumes and containers (default: a temporary folder)")
    parser.add_argument("--workspace", action="append", help="a name; may be given several times (default: acme)")
    options = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    with ModalBed(options.folder) as bed:
        for name in options.workspace or ["acme"]:
            bed.workspace(name)
        sys.stdout.write(json.dumps(bed.settings()) + "\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    sys.exit(main())
